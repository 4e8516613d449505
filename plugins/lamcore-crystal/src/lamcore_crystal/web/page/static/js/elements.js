// The periodic table: symbols, English names, and where each stands.

const TEXT = `H Hydrogen,He Helium,Li Lithium,Be Beryllium,B Boron,C Carbon,N Nitrogen,O Oxygen,F Fluorine,Ne Neon,Na Sodium,
Mg Magnesium,Al Aluminium,Si Silicon,P Phosphorus,S Sulfur,Cl Chlorine,Ar Argon,K Potassium,Ca Calcium,Sc Scandium,
Ti Titanium,V Vanadium,Cr Chromium,Mn Manganese,Fe Iron,Co Cobalt,Ni Nickel,Cu Copper,Zn Zinc,Ga Gallium,Ge Germanium,
As Arsenic,Se Selenium,Br Bromine,Kr Krypton,Rb Rubidium,Sr Strontium,Y Yttrium,Zr Zirconium,Nb Niobium,Mo Molybdenum,
Tc Technetium,Ru Ruthenium,Rh Rhodium,Pd Palladium,Ag Silver,Cd Cadmium,In Indium,Sn Tin,Sb Antimony,Te Tellurium,
I Iodine,Xe Xenon,Cs Caesium,Ba Barium,La Lanthanum,Ce Cerium,Pr Praseodymium,Nd Neodymium,Pm Promethium,Sm Samarium,
Eu Europium,Gd Gadolinium,Tb Terbium,Dy Dysprosium,Ho Holmium,Er Erbium,Tm Thulium,Yb Ytterbium,Lu Lutetium,Hf Hafnium,
Ta Tantalum,W Tungsten,Re Rhenium,Os Osmium,Ir Iridium,Pt Platinum,Au Gold,Hg Mercury,Tl Thallium,Pb Lead,Bi Bismuth,
Po Polonium,At Astatine,Rn Radon,Fr Francium,Ra Radium,Ac Actinium,Th Thorium,Pa Protactinium,U Uranium,Np Neptunium,
Pu Plutonium,Am Americium,Cm Curium,Bk Berkelium,Cf Californium,Es Einsteinium,Fm Fermium,Md Mendelevium,No Nobelium,
Lr Lawrencium,Rf Rutherfordium,Db Dubnium,Sg Seaborgium,Bh Bohrium,Hs Hassium,Mt Meitnerium,Ds Darmstadtium,
Rg Roentgenium,Cn Copernicium,Nh Nihonium,Fl Flerovium,Mc Moscovium,Lv Livermorium,Ts Tennessine,Og Oganesson`;

const NOBLE = [0, 2, 10, 18, 36, 54, 86, 118];

/** Row and column, from 1; lanthanides and actinides (La–Yb, Ac–No) stand in rows 9 and 10. */
function place(z) {
  const row = NOBLE.findIndex((noble) => z <= noble);
  const along = z - NOBLE[row - 1];
  const length = NOBLE[row] - NOBLE[row - 1];
  if (length === 32 && along > 2 && along <= 16) return { row: row + 3, column: along + 1 };
  const fromTheEnd = length - along;
  return { row, column: along <= 2 && !(z === 2) ? along : 18 - fromTheEnd };
}

export const ELEMENTS = TEXT.split(",").map((one, index) => {
  const [symbol, name] = one.trim().split(" ");
  return { z: index + 1, symbol, name, ...place(index + 1) };
});

export const BY_SYMBOL = new Map(ELEMENTS.map((one) => [one.symbol, one]));
export const symbolOf = (z) => ELEMENTS[z - 1].symbol;
