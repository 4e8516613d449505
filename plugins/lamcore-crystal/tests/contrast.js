/* WCAG 2.1 contrast of colours of the page on its backgrounds. */
(names) => {
  const probe = document.createElement("span");
  document.body.append(probe);
  const luminance = (name) => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map((one) => one / 255);
    const [red, green, blue] = parts.map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  return Object.fromEntries(names.map(([ink, ground]) => [`${ink} on ${ground}`, ratio(ink, ground)]));
};
