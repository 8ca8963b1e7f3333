/** Whether an image runs cloud-init, which starts the shutdown timer. AWS does not tell; names do, and the config. */
import type { Image } from "../../base/instance.ts"
import { matchesGlob } from "../../base/login.ts"

/**
 * How the names of systems that boot by other means begin, or the parameters that lead to them: each publisher's own form of name.
 * FreeBSD and OpenBSD publish images with cloud-init, too, and name these so.
 */
const others: readonly [pattern: RegExp, system: string][] = [
  [/^bottlerocket-|^\/aws\/service\/bottlerocket\//i, "Bottlerocket"],
  [/^flatcar-/i, "Flatcar"],
  [/^fedora-coreos-|^rhcos-|^coreos-/i, "CoreOS"],
  [/^talos-/i, "Talos"],
  [/^nixos[-/]/i, "NixOS"],
  [/^amzn-ec2-macos-|^\/aws\/service\/ec2-macos\//i, "macOS"],
  [/^freebsd(?!.*cloud-?init)/i, "FreeBSD"],
  [/^openbsd(?!.*cloud-?init)/i, "OpenBSD"],
]

/**
 * The reason why an image runs no cloud-init; null where it is taken to.
 *
 * @param asked as the launch names the image: its id, or an SSM parameter.
 * @param listed the config's globs, of ids, names and parameters.
 */
export function whyNoCloudInit(
  { id, name, platform }: Pick<Image, "id" | "name" | "platform">,
  asked: string,
  listed: readonly string[],
): string | null {
  if (platform === "windows") return "Windows runs no cloud-init"
  const system = others.find(([pattern]) => pattern.test(name) || pattern.test(asked))?.[1]
  if (system !== undefined) return `image ${id} is ${system}, which runs no cloud-init`
  const isListed = [id, name, asked].some((one) => one !== "" && matchesGlob(listed, one))
  return isListed ? `image ${id} is listed in launch.without_cloud_init` : null
}
