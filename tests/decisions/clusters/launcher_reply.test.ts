import { describe, expect, test } from "bun:test"
import { readLauncherReply } from "../../../lib/decisions/clusters/launcher_reply.ts"

const instance = { id: "i-1", private_ip: "10.0.0.5", private_dns: "ip-10-0-0-5", zone: "us-east-1a" }

describe("ec2-run's answer", () => {
  test.each<[what: string, stdout: string, read: unknown]>([
    ["ids alone, of a version without protocol 2", '["i-1","i-2"]', ["i-1", "i-2"]],
    ["nothing launched", "[]", []],
    [
      "instances with their prices",
      JSON.stringify({
        ids: ["i-1"],
        instances: [instance],
        hourly_cost: 0.1,
        lease_end: "2026-09-01T00:00:00Z",
      }),
      { ids: ["i-1"], instances: [instance], hourly_cost: 0.1, lease_end: "2026-09-01T00:00:00Z" },
    ],
    [
      "instances whose addresses are not known yet",
      '{"ids":["i-1"],"instances":[{"id":"i-1","private_ip":null}]}',
      {
        ids: ["i-1"],
        instances: [{ id: "i-1", private_ip: "", private_dns: "", zone: "" }],
        ...{ hourly_cost: 0, lease_end: null },
      },
    ],
    [
      "a refusal",
      '{"error":{"code":"refused","message":"no room"}}',
      { error: { code: "refused", message: "no room" } },
    ],
    ["a number", "7", null],
    ["ids that are none", "[1]", null],
    ["an object of something else", '{"done":true}', null],
    ["a line before it", 'hello\n["i-1"]', null],
    ["half of it", '["i-1"', null],
    ["nothing", "", null],
  ])("%s", (_, stdout, read) => {
    expect(readLauncherReply(stdout) as unknown).toEqual(read)
  })
})
