// Pointing at a lemma of the proof graph, or reaching it by keyboard, shows what it rests on and what rests on it.
document.addEventListener("DOMContentLoaded", () => {
  for (const svg of document.querySelectorAll("svg.proof-graph")) attend(svg);
});
function attend(svg) {
  const nodes = [...svg.querySelectorAll(".node")];
  const edges = [...svg.querySelectorAll(".edge")];
  const follow = (start, from, to) => {
    const seen = new Set([start]);
    for (const lemma of seen)
      for (const edge of edges) if (edge.dataset[from] === lemma) seen.add(edge.dataset[to]);
    return seen;
  };
  const clear = () => {
    svg.classList.remove("picked");
    for (const part of [...nodes, ...edges]) part.classList.remove("on");
  };
  const pick = (lemma) => {
    clear();
    const below = follow(lemma, "to", "from");
    const above = follow(lemma, "from", "to");
    for (const node of nodes) node.classList.toggle("on", below.has(node.dataset.id) || above.has(node.dataset.id));
    for (const { classList, dataset } of edges)
      classList.toggle("on", (below.has(dataset.from) && below.has(dataset.to)) || (above.has(dataset.from) && above.has(dataset.to)));
    svg.classList.add("picked");
  };
  for (const node of nodes) {
    node.addEventListener("mouseenter", () => pick(node.dataset.id));
    node.addEventListener("focus", () => pick(node.dataset.id));
    node.addEventListener("mouseleave", clear);
    node.addEventListener("blur", clear);
  }
}
