// Turns the drawings of frames: by pointer, or by arrow keys on one that has the focus. Points are in Å, seen from +z.
for (const svg of document.querySelectorAll("svg[data-scale]")) {
  const scale = Number(svg.dataset.scale), [left, top] = svg.dataset.origin.split(" ").map(Number);
  const parts = [...svg.querySelectorAll("g[data-points]")].map((node) => {
    const numbers = node.dataset.points.split(" ").map(Number);
    const points = [];
    for (let i = 0; i < numbers.length; i += 3) points.push(numbers.slice(i, i + 3));
    return { node, kind: node.dataset.kind, points };
  });
  const depth = {
    edge: () => -1e9,
    ball: ([a]) => a[2],
    stick: ([a, b]) => Math.min(a[2], b[2]) - 1e-3,
    arrow: ([a]) => a[2] + 1e-3,
  };

  const set = (element, values) => Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
  const place = ({ node, kind, points }) => {
    const [[x1, y1], [x2, y2] = []] = points.map(([x, y]) => [left + scale * x, top - scale * y]);
    if (kind === "ball") {
      set(node.firstElementChild, { cx: x1, cy: y1 });
    } else if (kind === "arrow") {
      const length = Math.hypot(x2 - x1, y2 - y1);
      node.setAttribute("visibility", length > 3 ? "visible" : "hidden");
      if (length <= 3) return;
      const [u, v] = [(x2 - x1) / length, (y2 - y1) / length], [nx, ny] = [x2 - 7 * u, y2 - 7 * v];
      set(node.firstElementChild, { x1, y1, x2: nx, y2: ny });
      const corners = [[x2, y2], [nx - 3.2 * v, ny + 3.2 * u], [nx + 3.2 * v, ny - 3.2 * u]];
      node.lastElementChild.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
    } else {
      for (const line of node.children) set(line, { x1, y1, x2, y2 });
    }
  };

  const turn = (right, up) => {
    const [c, s, d, t] = [Math.cos(right), Math.sin(right), Math.cos(up), Math.sin(up)];
    for (const part of parts) {
      part.points = part.points.map(([x, y, z]) => {
        const [turned, deep] = [c * x + s * z, c * z - s * x];
        return [turned, d * y + t * deep, d * deep - t * y];
      });
      place(part);
    }
    parts.sort((a, b) => depth[a.kind](a.points) - depth[b.kind](b.points));
    svg.append(...parts.map((part) => part.node));
  };

  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    held = [event.clientX, event.clientY];
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    turn((event.clientX - held[0]) / 90, (held[1] - event.clientY) / 90);
    held = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (held = null));
  const steps = { ArrowRight: [0.15, 0], ArrowLeft: [-0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };
  svg.addEventListener("keydown", (event) => {
    if (!steps[event.key]) return;
    event.preventDefault();
    turn(...steps[event.key]);
  });
}
