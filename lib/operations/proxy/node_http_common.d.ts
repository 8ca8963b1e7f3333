/** The part of Node's own parser module that http_parser.ts uses; Bun has it, its types do not. */
declare module "node:_http_common" {
  export const HTTPParser: {
    new (): unknown
    readonly RESPONSE: number
    readonly kOnMessageBegin: number
    readonly kOnHeaders: number
    readonly kOnHeadersComplete: number
    readonly kOnBody: number
    readonly kOnMessageComplete: number
    readonly kLenientNone: number
  }
}
