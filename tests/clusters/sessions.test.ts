/** hadoop_ec2 of a student with sessions: its own calls are the session's, and it goes on when one ends. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { asStudent } from "../support/aws_clients.ts"
import { handAt } from "../support/databases.ts"
import { login, openClassroom } from "./support.ts"

test("a cluster is launched and deleted with a session, and with the next one when that has ended", async () => {
  const room = await openClassroom({ identity: { credentials: "sessions" } }, { initialised: true })
  const { world, calls } = room.emulator.proxy
  const keys = (action: string) => [
    ...new Set(calls.filter((call) => call.action === action).map(({ accessKeyId }) => accessKeyId)),
  ]
  try {
    asStudent(room.course, login)
    world.knobs.enforcePolicies = true
    const launched = await room.hadoop("launch-cluster", "mine", "1", "sm", "--timeout", "1s")
    expect(launched.stderr).not.toMatch(/not allowed|not authorized|UnauthorizedOperation|ended/)
    expect(keys("CreateSecurityGroup")).toEqual([expect.stringMatching(/^ASIA/)])
    expect(JSON.parse((await room.hadoop("list", "mine", "--json")).stdout)).toHaveLength(1)

    // A shell that took its session with --format env, and an hour later.
    const { stdout } = await room.course.run("ec2_util", ["--credentials"], { as: login })
    const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(stdout)
    const db = handAt(join(room.course.dataDir, "users.db"))
    db.run("UPDATE sessions SET ends_at_utc_ms = ?", [Date.now()])
    db.close()
    await room.emulator.proxy.advance(61 * 60_000)
    const child = room.start(["delete-cluster", "mine", "--yes"], {
      ...{ AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey },
      AWS_SESSION_TOKEN: SessionToken,
    })
    const stderr = await new Response(child.stderr).text()
    expect(stderr).toContain("your AWS session has ended; going on with the next one\n")
    expect(stderr.match(/has ended/g)).toHaveLength(1)
    expect(await child.exited).toBe(0)
    expect(keys("DeleteSecurityGroup")).not.toContain(AccessKeyId)
  } finally {
    world.knobs.enforcePolicies = false
    await room.close()
  }
})
