import { describe, expect, test } from "bun:test"
import { canonicalAddress, deniedAddress, isLoopback } from "../../../lib/decisions/proxy/address.ts"

const metadata = "link-local, where the metadata service is"

describe("an address that nobody may reach", () => {
  test.each<[address: string, because: string | null]>([
    ["169.254.169.254", metadata],
    ["169.254.0.1", metadata],
    ["0.0.0.0", "an address of this network"],
    ["0.1.2.3", "an address of this network"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "reserved or broadcast"],
    ["::", "the unspecified address"],
    ["fe80::1", "link-local"],
    ["fec0::1", "site-local, deprecated"],
    ["ff02::1", "multicast"],
    ["fd00:ec2::254", "where EC2's own services are"],
    ["fd00:ec2::253", "where EC2's own services are"],
    // An IPv4 address in each form that a gateway or the kernel takes it out of.
    ["::ffff:169.254.169.254", metadata],
    ["::ffff:0:169.254.169.254", metadata],
    ["::169.254.169.254", metadata],
    ["64:ff9b::169.254.169.254", metadata],
    ["64:ff9b:1::169.254.169.254", metadata],
    ["2002:a9fe:a9fe::", metadata],
    ["2001:0:a9fe:a9fe::", metadata],
    ["2001:0:a00:1:0:0:5601:5601", metadata],
    ["fe80::5efe:a9fe:a9fe", "link-local"],
    ["2001:db8::5efe:a9fe:a9fe", metadata],
    // Neighbours of the ranges, and addresses that look like one.
    ["169.253.255.255", null],
    ["169.255.0.0", null],
    ["10.0.0.5", null],
    ["127.0.0.1", null],
    ["::1", null],
    ["223.255.255.255", null],
    ["fd00:ec3::254", null],
    ["2001:db8::1", null],
    ["2002:a00:5::", null],
  ])("%s: %p", (address, because) => {
    expect(deniedAddress(address)).toBe(because)
  })
})

test.each([
  ["127.0.0.1", true],
  ["127.255.255.254", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["10.0.0.1", false],
  ["::2", false],
])("%s is loopback: %p", (address, loopback) => {
  expect(isLoopback(address)).toBe(loopback)
})

test.each([
  ["10.0.0.5", "10.0.0.5"],
  ["::ffff:10.0.0.5", "10.0.0.5"],
  ["FE80:0:0::1%eth0", "fe80::1"],
  ["2001:0DB8::0001", "2001:db8::1"],
  ["words.example", null],
  ["", null],
])("%p is written %p", (text, address) => {
  expect(canonicalAddress(text)).toBe(address)
})
