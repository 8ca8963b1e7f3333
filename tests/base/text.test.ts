import { expect, test } from "bun:test"
import fc from "fast-check"
import { escapeControls, quoted } from "../../lib/base/text.ts"

test("what people wrote comes out as one line without control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(escapeControls(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    }),
  )
})

test("a long string is cut where it is quoted", () => {
  expect(quoted("x".repeat(1000))).toBe(`"${"x".repeat(120)}..."`)
})
