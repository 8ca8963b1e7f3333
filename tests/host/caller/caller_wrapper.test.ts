import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Workspace, workspace } from "../../support/tools.ts"

/** As native/setuid_wrap.c makes it; the config's path is the one thing more that a test needs. */
const constant = {
  PATH: "/usr/bin:/bin",
  LANG: "C.UTF-8",
  HOME: "/nonexistent",
  DO_NOT_TRACK: "1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  REAL_USERNAME: "cs61c",
  REAL_UID: "5000",
  REAL_GID: "5000",
  REAL_HOME: "/home/cs61c",
  EC2_WRAPPERS_TOOL: "ec2_active",
  EC2_WRAPPERS_HOME_FD: "3",
  EC2_WRAPPERS_COMMAND: "ec2-run",
}

let course: Workspace
beforeAll(async () => {
  course = workspace()
  await course.run("init_dbs")
})
afterAll(() => course.remove())

describe("a tool that is told it stands behind the wrapper", () => {
  test("refuses what the wrapper would not have set", async () => {
    const { stderr, code } = await course.run("ec2_active", [], { env: constant })
    expect(stderr).toBe(
      "ec2_active: caller: this is not the wrapper's doing: its environment has more than the wrapper sets\n",
    )
    expect(code).toBe(3)
  })

  for (const fd of ["", "0", "2", "-1", "3x", "99999"]) {
    test(`refuses ${JSON.stringify(fd)} as the writer's socket`, async () => {
      const { stderr, code } = await course.run("ec2_active", [], {
        env: { EC2_WRAPPERS_TOOL: "ec2_active", EC2_WRAPPERS_HOME_FD: fd },
      })
      expect(stderr).toBe("ec2_active: caller: the wrapper's socket is none\n")
      expect(code).toBe(3)
    })
  }

  test("shows no stack, whatever EC2_WRAPPERS_DEBUG says", async () => {
    const { stderr } = await course.run("ec2_active", [], {
      env: { ...constant, EC2_WRAPPERS_DEBUG: "1" },
    })
    expect(stderr.trimEnd().split("\n").length).toBe(1)
  })
})
