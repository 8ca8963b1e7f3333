/**
 * EC2 with a student's own credentials, which may end while a cluster is waited for: a session in the environment, or one whose end the
 * SDK could not foresee.
 */
import type { AwsSettings } from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { openClusterEc2 } from "./cluster_ec2.ts"
import type { ClusterEc2 } from "./cluster_interfaces.ts"

/** How services say that a session has ended; EC2's is the first. */
const endedCodes = ["RequestExpired", "ExpiredToken", "ExpiredTokenException"]

export interface OwnCredentials {
  settings: AwsSettings
  /** What to go on with when the session in use has ended. */
  next: Pick<AwsSettings, "profile">
  /** Told when it has. */
  say(line: string): void
}

/** Each call that is refused because the session has ended is sent once more with the next one: AWS did nothing for the first. */
export function openOwnEc2({ settings, next, say }: OwnCredentials): ClusterEc2 {
  let current = openClusterEc2(settings)
  let renewing: Promise<void> | undefined

  /** Callers that fail together go on together. */
  function renew(failed: ClusterEc2): Promise<void> {
    if (failed !== current) return Promise.resolve()
    renewing ??= Promise.resolve().then(() => {
      say("your AWS session has ended; going on with the next one")
      current = openClusterEc2({ ...settings, ...next })
      renewing = undefined
    })
    return renewing
  }

  return new Proxy(current, {
    get(_target, name: keyof ClusterEc2) {
      const used = current
      const call = used[name]
      // Pages are fetched one by one, and the whole listing fails.
      if (typeof call !== "function" || name === "instancePages") return call
      return async (...given: unknown[]) => {
        try {
          return await (call as (...given: unknown[]) => Promise<unknown>)(...given)
        } catch (error) {
          if (!hasCode(error, ...endedCodes)) throw error
          await renew(used)
          return (current[name] as (...given: unknown[]) => Promise<unknown>)(...given)
        }
      }
    },
  })
}
