/** Headers as they came, and which of them are meant for the next hop only. */

/** Name, value, name, value … as they came, so that repeated headers and their order survive. */
export type RawHeaders = readonly string[]

/** RFC 9110 7.6.1, with what older software treats alike. */
export const hopByHop = new Set(
  "connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info te trailer transfer-encoding upgrade".split(
    " ",
  ),
)

export function headerValue(headers: RawHeaders, name: string): string | null {
  for (let i = 0; i < headers.length; i += 2) {
    const key = headers[i] as string
    if (key.length === name.length && key.toLowerCase() === name) return headers[i + 1] as string
  }
  return null
}

export function headerValues(headers: RawHeaders, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const key = headers[i] as string
    // Most names differ in length: spelling them out anew each time would show.
    if (key.length === name.length && key.toLowerCase() === name) values.push(headers[i + 1] as string)
  }
  return values
}

/** What else this message's Connection names as meant for the next hop only. */
export function connectionOptions(headers: RawHeaders): Set<string> {
  const options = new Set<string>()
  for (let i = 0; i < headers.length; i += 2) {
    const key = headers[i] as string
    if (key.length !== "connection".length || key.toLowerCase() !== "connection") continue
    for (const option of (headers[i + 1] as string).split(",")) options.add(option.trim().toLowerCase())
  }
  return options
}
