import { expect, test } from "bun:test"
import type { Limits } from "../../../lib/base/config.ts"
import { toOrder } from "../../../lib/decisions/launches/launch_order.ts"
import { sensibleOrder } from "../../../lib/decisions/launches/sensible_order.ts"

const linux = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"

test.each([
  ["nothing", {}, {}, {}, ["t3.micro", `${linux}-x86_64`]],
  ["the course's", {}, { image: "ami-1", instanceType: "m5.large" }, {}, ["m5.large", "ami-1"]],
  [
    "his own over the course's",
    { instance_type: "c5.large" },
    { instanceType: "m5.large" },
    {},
    ["c5.large", `${linux}-x86_64`],
  ],
  [
    "the only type that is allowed",
    {},
    {},
    { instanceTypes: ["g5.xlarge"] },
    ["g5.xlarge", `${linux}-x86_64`],
  ],
  ["a type of arm64", {}, {}, { instanceTypes: ["t4g.small"] }, ["t4g.small", `${linux}-arm64`]],
  [
    "g4dn, which is not of arm64",
    { instance_type: "g4dn.xlarge" },
    {},
    {},
    ["g4dn.xlarge", `${linux}-x86_64`],
  ],
  ["a list without the usual type", {}, {}, { instanceTypes: ["m5.*", "c5.*"] }, ["", `${linux}-x86_64`]],
  ["the first listed image", {}, {}, { images: ["ami-7", "ami-8"] }, ["t3.micro", "ami-7"]],
])("a launch that names %s", (_, asked, launch, limits, [instanceType, image]) => {
  const order = toOrder({ key_name: "default", ...asked })
  const all = { instanceTypes: ["*"], images: [], ...limits } as unknown as Limits
  expect(sensibleOrder({ image: "", instanceType: "", ...launch }, all, order)).toMatchObject({
    instanceType,
    image,
  } as object)
})
