// What other parts of the page hang onto hits and the list, each a function that gives an element or null.

// (hit, card) => element: below a hit that is open.
export const hitParts = [];
// (state's value, answer) => element: above the list.
export const listParts = [];

export const built = (parts, ...given) => parts.map((part) => part(...given)).filter(Boolean);
