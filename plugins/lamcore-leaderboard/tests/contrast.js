(names) => {
  const probe = document.createElement("span");
  document.body.append(probe);
  const rgb = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map((value) => value / 255);
  };
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (name) => {
    const [red, green, blue] = rgb(name).map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const backgrounds = ["--bg", "--panel", "--raised"];
  return Object.fromEntries(
    names.flatMap((name) => backgrounds.map((background) => [`${name} on ${background}`, ratio(name, background)])),
  );
}
