/** Why AWS gives no session, in one line that says whose turn it is: the student can wait or ask, staff can mend. */
import { AwsError, fault } from "../../aws/protocol/errors.ts"
import { messageOf, ToolError } from "../../base/errors.ts"

const staff = "ask your course's staff"

export function whySessionRefused(error: unknown, role: string): string {
  if (!(error instanceof AwsError)) {
    const what = error instanceof ToolError ? error.message : messageOf(error)
    return `a session could not be recorded (${what}); ${staff}`
  }
  const { code, reason } = error
  if (/^(AccessDenied|NoSuchEntity)/.test(code))
    return `AWS does not let these tools assume the role ${role} (${code}); ${staff}, who run doctor and setup`
  if (/Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(code))
    return `AWS has too many requests of this account at once (${code}); try again in a minute`
  if (/expired|not yet current|Signature not yet/i.test(String((error.cause as Error | undefined)?.message)))
    return `AWS refuses the time of this host's clock (${code}); ${staff}, who set it (NTP)`
  if (code === "ValidationError")
    return `AWS does not accept what the role ${role} was asked for: ${reason}; ${staff}, who run doctor and setup`
  // These say themselves that trying again may help.
  if ([fault.unreachable, fault.reset, fault.timeout, fault.failing, fault.garbled].includes(code as never))
    return reason
  return `${reason}; ${staff}`
}
