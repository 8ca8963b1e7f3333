/** A link that signs a browser in to the AWS console as a login's session, with no password anywhere. */
import { Failed } from "../../base/errors.ts"
import { later, msPerHour, msPerMinute, msPerSecond, type UtcMs } from "../../base/time.ts"
import { currentSession, type SessionDeps } from "./session.ts"

export interface ConsoleLink {
  /** A secret: whoever has it is the login. */
  url: string
  /** How long the link can be opened. */
  usableMs: number
  /** When the console session ends, by this host's clock. */
  untilUtcMs: UtcMs
}

/** The endpoint takes no shorter console session than 15 minutes. */
const leastMs = 15 * msPerMinute
/** Soon enough after its begin; a loop of calls is not to make a session each. */
const freshMs = 10 * msPerSecond
/** For what passes between our look at the clock and AWS's. */
const marginMs = msPerMinute

/** Throws as currentSession does, and Failed where the endpoint gives no token. */
export async function consoleLink(deps: SessionDeps): Promise<ConsoleLink> {
  const { config, clock, aws } = deps
  const { endpoint, host } = federationOf(deps)
  let session = await currentSession(deps, { leastMs: leastMs + marginMs })
  // For a role's session the endpoint takes no duration, and lets an hour pass: so the session must begin about now.
  if (session.isChained) session = await currentSession(deps, { recordedWithinMs: freshMs })
  // AWS would give twelve hours to a session of one.
  const leftS = Math.floor((session.endsAtUtcMs - clock.now()) / msPerSecond)
  const credentials = {
    accessKeyId: session.accessKey,
    secretAccessKey: session.secret,
    sessionToken: session.token,
    expiresAtUtcMs: session.expiresAtUtcMs,
  }
  const token = await (await aws.signIn()).token(endpoint, credentials, session.isChained ? null : leftS)
  const query = new URLSearchParams({
    Action: "login",
    Issuer: config.course.name,
    Destination: `https://${host}/console/home?region=${config.aws.region}`,
    SigninToken: token,
  })
  return {
    url: `${endpoint}?${query}`,
    usableMs: leastMs,
    untilUtcMs: session.isChained ? later(clock.now(), msPerHour) : later(clock.now(), leftS * msPerSecond),
  }
}

/** Each partition of AWS has its own endpoint and console. */
const partitions: [regions: RegExp, signIn: string, console: string][] = [
  [/^cn-/, "signin.amazonaws.cn", "console.amazonaws.cn"],
  [/^us-gov-/, "signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"],
  [/./, "signin.aws.amazon.com", "console.aws.amazon.com"],
]

function federationOf({ config }: SessionDeps): { endpoint: string; host: string } {
  const [, signIn = "", host = ""] = partitions.find(([regions]) => regions.test(config.aws.region)) ?? []
  const { federationEndpoint } = config.identity
  if (federationEndpoint === null && config.aws.endpoint !== null) {
    throw new Failed(
      "console",
      "[aws] endpoint names an emulator, and [identity] federation_endpoint no endpoint of its; staff must set it",
    )
  }
  return { endpoint: federationEndpoint ?? `https://${signIn}/federation`, host }
}
