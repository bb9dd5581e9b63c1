// Chooses among the collections of the server, in the place of the name at the top; nothing where there is only one.
import { $, make } from "./dom.js";

const response = await fetch("api/collections").catch(() => null);
const all = response?.ok ? await response.json() : [];
if (all.length > 1) {
  const options = all.map(({ name, address, is_this: isThis }) => make("option", { value: address, selected: isThis }, name));
  const choice = make("select", { class: "choice", ariaLabel: "Collection" }, ...options);
  // The page of the chosen collection: that of search or, from there, that of the collection.
  choice.onchange = () => { location.href = choice.value + (location.pathname.endsWith("/collection") ? "collection" : ""); };
  $("dataset").hidden = true;
  $("dataset").after(choice);
}
