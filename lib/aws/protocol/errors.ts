/** What AWS and the way to it say when something fails, in one line that says what to do. */
import { Failed, messageOf } from "../../base/errors.ts"
import { GarbledReply } from "./garbled_reply.ts"
import { followsLostReply } from "./retries.ts"

/** A call to AWS that failed. */
export class AwsError extends Failed {
  constructor(
    action: string,
    reason: string,
    /** AWS's own error code (`InvalidAMIID.NotFound`), or one of `fault`. */
    readonly code: string,
    /** False where AWS answered that it did nothing; true where it may have acted and its reply was lost. */
    readonly mayHaveHappened: boolean,
    /** AWS's id of the request, "" where there was no reply. */
    readonly requestId: string,
    options?: ErrorOptions & { afterLostReply?: boolean },
  ) {
    super(action, reason, options)
    this.afterLostReply = options?.afterLostReply ?? false
  }

  /** An earlier attempt at the same request may have been carried out: what this answer refuses may yet come of that one. */
  readonly afterLostReply: boolean
}

/** Codes of our own, for what has none of AWS's. */
export const fault = {
  unreachable: "Unreachable",
  reset: "ConnectionReset",
  timeout: "Timeout",
  certificate: "CertificateNotTrusted",
  garbled: "GarbledReply",
  failing: "ServiceFailure",
  noCredentials: "NoCredentials",
  tooLate: "TooLate",
} as const

/** A request that was not sent any more; `mayHaveHappened`: an attempt before it was. */
export function tooLate(mayHaveHappened: boolean): AwsError {
  return new AwsError(
    "ask AWS",
    "this run was held up for too long, or lost its connection to the ledger; try again",
    fault.tooLate,
    mayHaveHappened,
    "",
  )
}

export function hasCode(error: unknown, ...codes: string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code)
}

/** Runs `act` and ignores AWS's error `code`, which says that the wanted state is there already. Other errors pass. */
export async function ignoreCode(code: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!hasCode(error, code)) throw error
  }
}

interface Thrown {
  name?: string
  message?: string
  /** Of the operating system or TLS; or, in capitals, of AWS. */
  code?: string
  Code?: string
  $metadata?: { httpStatusCode?: number; requestId?: string }
}

const unreachable = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
])
const reset = new Set(["ECONNRESET", "EPIPE", "ConnectionClosed"])
const badKey = "[paths] root_access_key"

/** What to do about an error code. `{service}` stands for its name. */
const advice: [codes: RegExp, advice: string][] = [
  [
    /^(RequestLimitExceeded|Throttl.*|RequestThrottled.*|TooManyRequests.*|SlowDown|EC2ThrottledException)$/,
    "{service} is throttling the account: try again in a minute",
  ],
  [
    /^(RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/,
    "{service} refuses the time of the request: set this host's clock (NTP)",
  ],
  [
    /^(AuthFailure|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClientException|MissingAuthenticationToken.*)$/,
    `{service} does not accept the access key: is the one in ${badKey} active?`,
  ],
  [
    /^(SignatureDoesNotMatch|InvalidSignature.*|IncompleteSignature)$/,
    `{service} does not accept the signature: is the secret in ${badKey} right, and this host's clock?`,
  ],
  [/^Expired?Token.*$/, "the credentials in use have expired: renew them"],
  [
    /^(InsufficientInstanceCapacity|InsufficientCapacity|InsufficientHostCapacity|SpotMaxPriceTooLow|MaxSpotInstanceCountExceeded)$/,
    "{message}: try another zone or instance type, or later",
  ],
  [
    /^(VcpuLimitExceeded|InstanceLimitExceeded)$/,
    "the quota of the AWS account is reached ({message}): staff must ask AWS for more (Service Quotas)",
  ],
  [/^(OptInRequired|PendingVerification|Blocked)$/, "AWS does not let this account do that yet: {message}"],
  [
    /^(UnauthorizedOperation|AccessDenied.*)$/,
    "the credentials in use are not allowed to do that (doctor names what is missing): {message}",
  ],
]

/** The error to report for whatever a client of the SDK threw while doing `action`. */
export function awsError(action: string, service: string, endpoint: string, thrown: unknown): AwsError {
  if (thrown instanceof AwsError) return thrown
  const error = (thrown ?? {}) as Thrown
  const status = error.$metadata?.httpStatusCode ?? 0
  const requestId = error.$metadata?.requestId ?? ""
  const make = (code: string, reason: string, mayHaveHappened: boolean) =>
    new AwsError(action, reason, code, mayHaveHappened, requestId, {
      cause: thrown,
      afterLostReply: followsLostReply(thrown),
    })

  const way = failureOfTheWay(service, endpoint, error, thrown)
  if (way) return make(way.code, way.reason, way.code !== fault.unreachable && way.code !== fault.certificate)

  const code = error.Code ?? error.name ?? "Unknown"
  const message = shortened(messageOf(thrown))
  // A stopped instance stays in its zone and of its type.
  if (/^start i-/.test(action) && /^Insufficient\w*Capacity$/.test(code))
    return make(
      code,
      `${message}: try again later, or launch another one and terminate this one (${code})`,
      false,
    )
  const told = advice.find(([codes]) => codes.test(code))?.[1]
  if (told) {
    const reason = told.replace("{service}", service).replace("{message}", message)
    return make(code, `${reason} (${code})`, false)
  }
  if (status >= 500) return make(code, `${service} fails (${code}, HTTP ${status}): try again later`, true)
  // Neither a reply nor the way to it: the SDK itself, or the request.
  if (status === 0) return make(code, message, true)
  if (code === "Unknown" || code === "NotFound")
    return make(
      code,
      `${service} at ${endpoint} answers HTTP ${status} and not like AWS: is [aws] endpoint right?`,
      false,
    )
  return make(code, `${message} (${code})`, false)
}

/** Null where AWS did answer. */
function failureOfTheWay(
  service: string,
  endpoint: string,
  error: Thrown,
  thrown: unknown,
): { code: string; reason: string } | null {
  const at = `${service} at ${endpoint}`
  const system = error.code ?? ""
  if (isGarbled(thrown)) {
    const status = error.$metadata?.httpStatusCode ?? 0
    if (status >= 500) return { code: fault.failing, reason: `${at} fails (HTTP ${status}): try again later` }
    const what = shortened(before(messageOf(thrown), "Deserialization error"))
    return {
      code: fault.garbled,
      reason: `the reply of ${at} is unusable: ${what}: nothing is concluded from it, try again`,
    }
  }
  if (error.name === "TimeoutError" || system === "ETIMEDOUT")
    return { code: fault.timeout, reason: `${at} does not answer in time: try again later` }
  if (unreachable.has(system))
    return {
      code: fault.unreachable,
      reason: `${at} cannot be reached (${system}): check the network and [aws] endpoint and proxy`,
    }
  if (reset.has(system))
    return { code: fault.reset, reason: `${at} closed the connection in the middle: try again` }
  if (/CERT|SIGNED|TLS|SSL|EPROTO|SIGNATURE|ISSUER/.test(system))
    return {
      code: fault.certificate,
      reason: `the certificate of ${at} is not trusted (${system}): behind a proxy that opens TLS, set [aws] ca_file`,
    }
  if (error.name === "CredentialsProviderError")
    return {
      code: fault.noCredentials,
      reason: `no AWS credentials found (ec2-util --init makes a student's): ${shortened(messageOf(thrown))}`,
    }
  return null
}

/** Our own strict reader, or the SDK's JSON parser. */
const isGarbled = (thrown: unknown) => thrown instanceof GarbledReply || thrown instanceof SyntaxError

/** Without what nobody can read: encoded authorization messages, canonical requests, pages. */
function shortened(message: string): string {
  let readable = before(message, "Encoded authorization failure message:")
  while (/[.:\s]$/.test(readable)) readable = readable.slice(0, -1)
  return readable.length > 300 ? `${readable.slice(0, 300)}...` : readable
}

/** What stands before `mark`, without the white space at its end; all of it where the mark is missing. */
function before(text: string, mark: string): string {
  const at = text.indexOf(mark)
  return at < 0 ? text : text.slice(0, at).trimEnd()
}
