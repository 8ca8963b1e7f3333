/** What the keys of [launch] mean. */
import { key, type TableReference } from "./reference_form.ts"

export const launchReference: TableReference = {
  table: "launch",
  about: "What a launch gets when it names nothing, and what it may name.",
  keys: [
    key("image", '""', "The image of a launch that names none: an id or an SSM parameter name."),
    key("instance_type", '""', "The instance type of a launch that names none."),
    key(
      "fallback",
      "none",
      "A table of the types that a launch of one type may get instead where EC2 has no room: " +
        '`"g6.xlarge" = ["g5.xlarge", "g4dn.xlarge"]`. Those that the user may not launch, that the image does not run on, ' +
        "or that exceed a limit are left out. A launch that names several types, and one of a cluster, gets no other.",
    ),
    key("subnet", '""', "The subnet of a launch that names none."),
    key(
      "security_groups",
      '["default"]',
      "The only groups that a launch may name besides the caller's own. Where the key is set, a launch that names none is in " +
        "these, too, besides its student's own group.",
    ),
    key(
      "ssh_from",
      "the login hosts' addresses",
      'The IPv4 networks that reach the instances of a student by ssh, such as `["192.0.2.0/24"]`. `["anywhere"]` lets the ' +
        "whole Internet try. Each student has a security group of his own, made at the first launch that names none; it opens " +
        "port 22 only.",
    ),
    key(
      "user",
      "the image's own",
      "The user whom the course's images let in by ssh. Without it, `ec2-ssh` knows the user of the usual images by their names: " +
        "Amazon Linux, Ubuntu, Debian, Rocky Linux and others.",
    ),
    key("subnets", "[]", "The subnets that a launch may name besides `subnet`."),
    key("placement_groups", "[]", "The placement groups that a launch may name besides the caller's own."),
    key("instance_profiles", "[]", "The instance profiles that a launch may name."),
    key("without_cloud_init", "[]", "Images (globs) without cloud-init: launches say that no timer runs."),
    key("ssm_parameters", "[]", "The SSM parameters that a launch may name besides `/aws/service/`."),
    key(
      "product_codes",
      "[]",
      "Product codes of images from AWS Marketplace that may be launched. Such an image may cost extra, which no price here covers.",
    ),
    key(
      "tags",
      "none",
      "A table of tags that everything gets: instances, volumes, interfaces, Spot requests, security groups, key pairs, users and roles.",
    ),
    key("max_root_gib", "100", "The size of all volumes of an instance together, in GiB."),
  ],
}
