import { expect, test } from "bun:test"
import type { Image } from "../../../lib/base/instance.ts"
import { objectionToImage } from "../../../lib/decisions/launches/launch_policy.ts"

const image = (...productCodes: string[]) =>
  ({ id: "ami-1", state: "available", productCodes }) as unknown as Image

test.each([
  ["an image without codes", image(), [], null],
  ["a code that is listed", image("free"), ["free", "other"], null],
  [
    "a code that is not",
    image("free", "dear"),
    ["free"],
    "image ami-1 has 1 product code (dear) and may cost extra; staff can list them in launch.product_codes",
  ],
])("%s", (_what, given, productCodes, objection) => {
  expect(objectionToImage(given, { productCodes })).toBe(objection)
})
