import { expect, test } from "bun:test"
import { whyNoCloudInit } from "../../../lib/decisions/launches/image_boot.ts"

const image = (name: string, platform = "") => ({ id: "ami-0a", name, platform })

test.each([
  ["al2023-ami-2023.9.20260701.0-kernel-6.1-x86_64", "", "ami-0a", null],
  ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260615", "", "ami-0a", null],
  ["debian-13-amd64-20260622-2150", "", "ami-0a", null],
  ["CentOS Stream 10 x86_64", "", "ami-0a", null],
  ["FreeBSD 14.3-RELEASE-amd64-BASIC-CLOUDINIT UFS", "", "ami-0a", null],
  ["", "", "ami-0a", null],
  ["Windows_Server-2025", "windows", "ami-0a", "Windows runs no cloud-init"],
  [
    "bottlerocket-aws-k8s-1.33-x86_64-v1.40.0",
    "",
    "ami-0a",
    "image ami-0a is Bottlerocket, which runs no cloud-init",
  ],
  [
    "",
    "",
    "/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_id",
    "image ami-0a is Bottlerocket, which runs no cloud-init",
  ],
  ["Flatcar-stable-4230.2.0-hvm", "", "ami-0a", "image ami-0a is Flatcar, which runs no cloud-init"],
  ["fedora-coreos-42.20260607.3.0-x86_64", "", "ami-0a", "image ami-0a is CoreOS, which runs no cloud-init"],
  ["talos-v1.10.4-us-east-1-amd64", "", "ami-0a", "image ami-0a is Talos, which runs no cloud-init"],
  ["nixos/25.05.803297-x86_64-linux", "", "ami-0a", "image ami-0a is NixOS, which runs no cloud-init"],
  ["amzn-ec2-macos-15.5-20260601", "", "ami-0a", "image ami-0a is macOS, which runs no cloud-init"],
  ["FreeBSD 14.3-RELEASE-amd64 UFS", "", "ami-0a", "image ami-0a is FreeBSD, which runs no cloud-init"],
])("an image named %p of platform %p, asked for as %p: %p", (name, platform, asked, reason) => {
  expect(whyNoCloudInit(image(name, platform), asked, [])).toBe(reason)
})

test("the config lists more by id, name or parameter", () => {
  const because = "image ami-0a is listed in launch.without_cloud_init"
  for (const listed of ["ami-0a", "cs61c-lab-*", "/course/image"])
    expect(whyNoCloudInit(image("cs61c-lab-7"), "/course/image", [listed])).toBe(because)
  expect(whyNoCloudInit(image("cs61c-lab-7"), "/course/image", ["ami-0b", "lab", ""])).toBeNull()
})
