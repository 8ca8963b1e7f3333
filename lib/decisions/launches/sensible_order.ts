/** What a person gets who names no type and no image, where the course names none either. */
import type { Config, Limits } from "../../base/config.ts"
import type { LaunchOrder } from "./launch_order.ts"
import { objectionToType } from "./launch_policy.ts"

/** Small, and sold in every region. */
const usualType = "t3.micro"
const amazonLinux = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"

/**
 * The order with a type and an image where one of them can be chosen. The type stays "" where several may be meant: the course
 * lists some, and the usual one is not among them.
 */
export function sensibleOrder(
  launch: Pick<Config["launch"], "image" | "instanceType">,
  limits: Limits,
  order: LaunchOrder,
): LaunchOrder {
  const [listed, ...others] = limits.instanceTypes
  const only = listed !== undefined && others.length === 0 && !/[*?]/.test(listed) ? listed : null
  const usual = objectionToType(usualType, limits) === null ? usualType : ""
  const instanceType = order.instanceType || launch.instanceType || only || usual
  const image = order.image || launch.image || (limits.images[0] ?? imageFor(instanceType))
  return { ...order, instanceType, image }
}

/** Amazon Linux for the type's processor; `g` after the generation means AWS's own, which is of arm64. */
function imageFor(instanceType: string): string {
  return `${amazonLinux}-${/^([a-z]+\d+g[a-z]*|a1|im4gn|is4gen)\./.test(instanceType) ? "arm64" : "x86_64"}`
}
