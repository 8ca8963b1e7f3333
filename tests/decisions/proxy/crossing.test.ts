/** Between backends only navigations by GET pass. */
import { expect, test } from "bun:test"
import { crossingOf, type RequestOrigin } from "../../../lib/decisions/proxy/crossing.ts"

const own = "http://a--80--mp-x.localhost:1"
const plain: RequestOrigin = {
  method: "GET",
  upgrade: false,
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  fetchDest: undefined,
}
const cross = { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "document" }

test.each<[what: string, request: Partial<RequestOrigin>, crossing: string]>([
  ["a program", {}, "own"],
  ["a program that posts", { method: "POST" }, "own"],
  ["an address that was typed", { fetchSite: "none", fetchMode: "navigate", fetchDest: "document" }, "own"],
  ["a script of the page", { fetchSite: "same-origin", fetchMode: "cors", fetchDest: "empty" }, "own"],
  [
    "a form of the page",
    { method: "POST", origin: own, fetchSite: "same-origin", fetchMode: "navigate" },
    "own",
  ],
  ["a WebSocket of the page", { upgrade: true, origin: own }, "own"],
  ["a link", cross, "navigation"],
  ["a frame", { ...cross, fetchDest: "iframe" }, "navigation"],
  ["a link of a sibling", { ...cross, fetchSite: "same-site" }, "navigation"],
  ["a link, by a service worker", { ...cross, fetchDest: "empty" }, "navigation"],
  ["an object", { ...cross, fetchDest: "object" }, "refused"],
  ["an embed", { ...cross, fetchDest: "embed" }, "refused"],
  ["a form that posts", { ...cross, method: "POST", origin: "http://b--80--mp-x.localhost:1" }, "refused"],
  ["a form that posts without Origin", { ...cross, method: "POST" }, "refused"],
  ["a HEAD", { ...cross, method: "HEAD" }, "refused"],
  [
    "a preflight",
    { method: "OPTIONS", origin: "http://b", fetchSite: "cross-site", fetchMode: "cors" },
    "refused",
  ],
  ["a fetch", { fetchSite: "cross-site", fetchMode: "cors", fetchDest: "empty" }, "refused"],
  ["a fetch without cors", { fetchSite: "cross-site", fetchMode: "no-cors", fetchDest: "empty" }, "refused"],
  ["an image", { fetchSite: "cross-site", fetchMode: "no-cors", fetchDest: "image" }, "refused"],
  [
    "a script from elsewhere",
    { fetchSite: "same-site", fetchMode: "no-cors", fetchDest: "script" },
    "refused",
  ],
  ["a WebSocket of another page", { upgrade: true, origin: "http://b--80--mp-x.localhost:1" }, "refused"],
  ["a WebSocket of a sandbox", { upgrade: true, origin: "null" }, "refused"],
  ["a sandbox that says it is of the same origin", { origin: "null", fetchSite: "same-origin" }, "refused"],
  ["an upgrade that looks like a link", { ...cross, upgrade: true }, "refused"],
  ["a site nobody knows", { fetchSite: "else", fetchMode: "cors" }, "refused"],
])("%s", (_, request, crossing) => {
  expect(crossingOf({ ...plain, ...request }, own)).toBe(crossing as never)
})
