import { describe, expect, test } from "bun:test"
import {
  isInstanceId,
  plainAddress,
  plainKeyName,
  sshConfigBlock,
  userOfImage,
} from "../../../lib/decisions/ssh/login_target.ts"

const id = "i-0a1b2c3d4e5f60718"

describe("what may stand in ssh's arguments", () => {
  test.each([
    ["203.0.113.7", true],
    ["2001:db8::7", true],
    ["::1", false],
    ["-oProxyCommand=sh", false],
    ["203.0.113.7 -oProxyCommand=sh", false],
    ["203.0.113.7\n", false],
    ["203.0.113.999", false],
    ["0203.0.113.7", false],
    ["ec2-203-0-113-7.compute-1.amazonaws.com", false],
    ["2001:db8:::7", false],
    ["", false],
  ])("an address %p: %p", (text, plain) => {
    expect(plainAddress(text)).toBe(plain ? text : null)
  })

  test.each([
    [id, true],
    ["i-0a1b\nProxyCommand sh", false],
    ["-i-0a1b", false],
    ["i-0A1B", false],
    ["i-", false],
  ])("an id %p: %p", (text, plain) => {
    expect(isInstanceId(text)).toBe(plain)
  })

  test.each([
    ["cs61c-ab-default", true],
    ["-oProxyCommand=sh", false],
    ["../../etc/passwd", false],
    ['a"b', false],
    ["a\nProxyCommand sh", false],
    ["a%b", false],
  ])("a key's name %p: %p", (name, plain) => {
    expect(plainKeyName(name)).toBe(plain ? name : null)
  })
})

test.each([
  ["al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64", "ec2-user"],
  ["amzn2-ami-hvm-2.0.20240903.0-x86_64-gp2", "ec2-user"],
  ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20240927", "ubuntu"],
  ["debian-12-amd64-20240901-1857", "admin"],
  ["Rocky-9-EC2-Base-9.4-20240523.0.x86_64", "rocky"],
  ["Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.4 (Ubuntu 22.04) 20241001", "ubuntu"],
  ["Fedora-Cloud-Base-AmazonEC2.x86_64-41-1.4", "fedora"],
  ["my own\nUser root", null],
  ["", null],
])("the image %p lets in %p", (name, user) => {
  expect(userOfImage(name)).toBe(user)
})

describe("a block of ~/.ssh/config", () => {
  const block = { id, user: "ubuntu", home: "/home/ab", keyName: "ab-default", program: "/opt/bin/ec2-ssh" }

  test("checks the key by the id, forwards nothing, and connects through ec2-ssh", () => {
    expect(sshConfigBlock(block)).toEqual([
      `Host ${id}`,
      "  User ubuntu",
      '  IdentityFile "/home/ab/ab-default.pem"',
      `  HostKeyAlias ${id}`,
      `  UserKnownHostsFile "/home/ab/.ec2-wrappers/known_hosts/${id}"`,
      "  GlobalKnownHostsFile /dev/null",
      "  StrictHostKeyChecking yes",
      "  CheckHostIP no",
      "  UpdateHostKeys no",
      "  ForwardAgent no",
      "  ForwardX11 no",
      "  ControlPath none",
      `  ProxyCommand "/opt/bin/ec2-ssh" --stdio ${id}`,
    ])
  })

  test.each([
    [{ id: "i-1\nProxyCommand sh" }],
    [{ user: "-oProxyCommand=sh" }],
    [{ user: "ubuntu\nProxyCommand sh" }],
    [{ home: '/home/a"b' }],
    [{ home: "/home/%d" }],
    [{ program: "/opt/$(sh)\n" }],
  ])("is none with %p", (change) => {
    expect(sshConfigBlock({ ...block, ...change })).toEqual([])
  })

  test("names no key file whose name is not plain", () => {
    expect(sshConfigBlock({ ...block, keyName: 'x"\nProxyCommand sh' }).join("\n")).not.toContain("sh\n")
  })
})
