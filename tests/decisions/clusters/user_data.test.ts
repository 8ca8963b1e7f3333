import { describe, expect, test } from "bun:test"
import {
  packUserData,
  readScript,
  refuseSecretScript,
  withEnvironment,
} from "../../../lib/decisions/clusters/user_data.ts"

describe("user data", () => {
  test("%ENV% becomes assignments that a shell reads as they were meant", () => {
    const value = 'it\'s $HOME `id` "x"\n%ENV% $& end'
    const script = withEnvironment('export %ENV%\nprintf %s "$A|$B"', { A: value, B: "" })
    expect(Bun.spawnSync(["sh", "-c", script]).stdout.toString()).toBe(`${value}|`)
  })

  test("the same script makes the same bytes, so that a repeated request is the same", () => {
    expect(packUserData("x", "echo")).toEqual(packUserData("x", "echo"))
    expect(new TextDecoder().decode(Bun.gunzipSync(packUserData("x", "echo")))).toBe("echo")
  })

  test("a script too large is refused before anything is sent, with its size", () => {
    const random = crypto.getRandomValues(new Uint8Array(17_000)).toHex()
    expect(() => packUserData("boot.sh", random)).toThrow(
      /boot\.sh has \d+ bytes when gzipped, wanted at most 16384/,
    )
  })

  test("a script of a Windows editor loses its byte order mark and carriage returns, and runs", () => {
    const script = readScript("boot.sh", "\uFEFF#!/bin/sh\r\necho it runs\r\n")
    expect(script).toBe("#!/bin/sh\necho it runs\n")
  })

  test.each(["#cloud-config\n", "#include\n", "Content-Type: multipart/mixed", "## template: jinja\n"])(
    "what cloud-init runs is taken: %j",
    (text) => expect(readScript("x", text)).toBe(text),
  )

  test.each(["echo hello\n", "", "\n#!/bin/sh\n", "# !/bin/sh", "\u0000#\u0000!"])(
    "a script that cloud-init would not run is refused: %j",
    (text) =>
      expect(() => readScript("boot.sh", text)).toThrow(/boot.sh begins with ".*begin a script with #!/),
  )

  test.each([
    ["AWS_SECRET_ACCESS_KEY", "x"],
    ["aws_access_key_id", "x"],
    ["DB_PASSWORD", "x"],
    ["NOTE", "AKIAIOSFODNN7EXAMPLE"],
    ["KEY", "-----BEGIN OPENSSH PRIVATE KEY-----"],
  ])("the secret %s is refused (defect: secret keys travelled in user data)", (name, value) => {
    expect(() => withEnvironment("%ENV%", { [name]: value })).toThrow("user data can be read by everything")
  })

  test("a script with an access key in it is refused", () => {
    for (const line of [
      "export K=AKIAIOSFODNN7EXAMPLE",
      'AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
      "fs.s3a.secret.key: x\naws_secret_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ]) {
      expect(() => refuseSecretScript("x.sh", line)).toThrow("user data is no secret")
    }
    refuseSecretScript("x.sh", "asiapacificsoutheast secret_key: from the instance's role")
  })
})
