import { describe, expect, test } from "bun:test"
import { copyFilesCommand, loginCommand } from "../../../lib/operations/ssh/log_in.ts"
import { idAndWords } from "../../../lib/operations/ssh/own_instance.ts"

const target = {
  id: "i-0a1b2c3d",
  user: "ubuntu",
  address: "203.0.113.7",
  knownHosts: "/home/ab/.ec2-wrappers/known_hosts/i-0a1b2c3d",
  privateKey: "/home/ab/100%/ab-default.pem",
}

describe("the command lines", () => {
  test("check strictly by the id and forward nothing", () => {
    const words = loginCommand(target, []).join(" ")
    for (const option of [
      "StrictHostKeyChecking=yes",
      "HostKeyAlias=i-0a1b2c3d",
      "ForwardAgent=no",
      "ForwardX11=no",
      "ClearAllForwardings=yes",
      "ControlPath=none",
      "GlobalKnownHostsFile=/dev/null",
    ])
      expect(words).toContain(`-o ${option} `)
    expect(words).toEndWith("-i /home/ab/100%%/ab-default.pem -l ubuntu -- 203.0.113.7")
    expect(words).not.toMatch(/accept-new|StrictHostKeyChecking=no/)
  })

  test.each([
    [["ls -l | wc"], "ls -l | wc"],
    [["echo", "a b", "$HOME"], "echo 'a b' '$HOME'"],
  ])("a command %p arrives as %p", (command, arrives) => {
    expect(loginCommand(target, command).at(-1)).toBe(arrives)
  })

  test.each([
    [
      ["a.txt", ":"],
      ["./a.txt", "ubuntu@203.0.113.7:"],
    ],
    [
      ["-oProxyCommand=sh", "b:c", ":dir"],
      ["./-oProxyCommand=sh", "./b:c", "ubuntu@203.0.113.7:dir"],
    ],
    [
      [":results", "."],
      ["ubuntu@203.0.113.7:results", "."],
    ],
  ])("copies %p as %p", (paths, words) => {
    expect(copyFilesCommand(target, paths).slice(-words.length - 1)).toEqual(["--", ...words])
  })

  test.each([[["a"]], [["a", "b"]], [[":a", ":b"]], [[]]])("refuses to copy %p", (paths) => {
    expect(() => copyFilesCommand(target, paths)).toThrow("--copy")
  })
})

test.each([
  [[], null, []],
  [["i-0a1b", "ls"], "i-0a1b", ["ls"]],
  [["ls", "i-0a1b"], null, ["ls", "i-0a1b"]],
])("%p names %p and the words %p", (words, id, rest) => {
  expect(idAndWords(words)).toEqual({ id, rest })
})

test("what begins as an id and is none is no command", () => {
  expect(() => idAndWords(["i-xyz"])).toThrow('"i-xyz" is not an instance id')
})
