/** Why a request got no answer of its backend: a status, and a sentence that names the cause. */
import { messageOf } from "../../base/errors.ts"

export class ProxyFailure extends Error {
  constructor(
    readonly status: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

const causes: Record<string, [status: number, what: string]> = {
  ECONNREFUSED: [502, "nothing listens there: the connection was refused"],
  ECONNRESET: [502, "the backend closed the connection without an answer"],
  EPIPE: [502, "the backend closed the connection while the request was sent"],
  EHOSTUNREACH: [502, "no route to the host"],
  ENETUNREACH: [502, "no route to the network"],
  ENOTFOUND: [502, "the name does not resolve"],
  EAI_AGAIN: [502, "the name cannot be resolved just now"],
  ETIMEDOUT: [504, "the connection timed out"],
  HPE_HEADER_OVERFLOW: [502, "the backend's headers are too large"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [502, "its certificate is self-signed (--ca-file or --insecure)"],
  SELF_SIGNED_CERT_IN_CHAIN: [502, "its certificate's authority is not known (--ca-file or --insecure)"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    502,
    "its certificate's authority is not known (--ca-file or --insecure)",
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    502,
    "its certificate's authority is not known (--ca-file or --insecure)",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [502, "its certificate is for another name (--insecure)"],
  CERT_HAS_EXPIRED: [502, "its certificate has expired (--insecure)"],
}

/** Any error of a connection or an exchange as a failure that can be shown. */
export function failureOf(error: unknown): ProxyFailure {
  if (error instanceof ProxyFailure) return error
  const code = (error as NodeJS.ErrnoException | null)?.code ?? ""
  const known = causes[code]
  if (known) return new ProxyFailure(known[0], known[1], { cause: error })
  if (code.startsWith("HPE_")) {
    return new ProxyFailure(502, `the backend's answer is no valid HTTP (${code})`, { cause: error })
  }
  return new ProxyFailure(502, messageOf(error), { cause: error })
}
