/** Paths of our own: under our name, and before a backend's own paths wherever it is shown. */

/** The script that maps the URLs of other scripts; it stands behind the prefix of its backend. */
export const shimPath = "/~microproxy/shim.js"

/** Where a browser is sent with a ticket, under the backend's name. */
export const enterPath = "/~microproxy/enter"

/** What pages under a backend's name link to for another backend: `/~microproxy/to/HOST/PORT/REST`. */
export const crossingPath = "/~microproxy/to"
