/**
 * AWS's federation endpoint: a sign-in token for a session, and what a browser gets for it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html
 */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import type { AwsRequest, Reply } from "./request.ts"
import type { World } from "./world.ts"

export interface SignIn {
  /** The session's ARN. */
  arn: string
  /** When the console session ends. */
  untilUtcMs: UtcMs
  /** A token signs in for 15 minutes. */
  usableUntilUtcMs: UtcMs
}

const minuteMs = 60_000
const text = (status: number, body: string, headers = {}): Reply => ({
  status,
  headers: { "content-type": "text/html", ...headers },
  body,
})

export function isFederation({ path }: AwsRequest): boolean {
  return path.split("?")[0] === "/federation"
}

export function federation(world: World, { path }: AwsRequest): Reply {
  const query = new URLSearchParams(path.split("?")[1])
  return query.get("Action") === "getSigninToken" ? signinToken(world, query) : login(world, query)
}

/** AWS refuses a duration for a session that came of another role's credentials, and any session that was asked for with one. */
function signinToken(world: World, query: URLSearchParams): Reply {
  const invalid = text(400, "<h1>HTTP Status 400 - Invalid credentials parameter</h1>")
  const { sessionId, sessionKey, sessionToken } = JSON.parse(query.get("Session") ?? "{}")
  const session = world.sessions.get(sessionId)
  const now = world.clock.now()
  if (!session || session.secret !== sessionKey || session.token !== sessionToken) return invalid
  if (session.expiresUtcMs <= now) return invalid
  const asked = query.get("SessionDuration")
  const seconds = asked === null ? 3600 : Number(asked)
  if (!(seconds >= 900 && seconds <= 43_200)) return invalid
  if (session.isChained && (asked !== null || session.hasDuration)) return invalid
  const SigninToken = crypto.randomUUID()
  world.signIns.set(SigninToken, {
    arn: session.arn,
    untilUtcMs: utcMsOf(now + seconds * 1000),
    usableUntilUtcMs: utcMsOf(now + 15 * minuteMs),
  })
  return { ...text(200, JSON.stringify({ SigninToken })), headers: { "content-type": "application/json" } }
}

function login(world: World, query: URLSearchParams): Reply {
  const signIn = world.signIns.get(query.get("SigninToken") ?? "")
  if (query.get("Action") !== "login" || !signIn || signIn.usableUntilUtcMs < world.clock.now())
    return text(400, "<h1>HTTP Status 400 - Token Expired</h1>")
  return text(302, "", { location: query.get("Destination") ?? "" })
}
