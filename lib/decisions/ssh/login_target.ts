/**
 * What of AWS's answers may stand in an argument list of ssh or in its configuration: plain ids, addresses and known users. All
 * else of an instance, its Name tag first of all, is its owner's text, and may hold line breaks and options.
 */

const idPattern = /^i-[0-9a-f]{1,32}$/

export function isInstanceId(text: string): boolean {
  return idPattern.test(text)
}

/** An IPv4 or IPv6 address in digits, which no program takes for an option or a name; null for anything else. */
export function plainAddress(text: string): string | null {
  const parts = text.split(".")
  const isIpv4 =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  if (isIpv4) return text
  return /^[0-9a-f]{1,4}(:[0-9a-f]{0,4}){2,7}$/i.test(text) && !text.includes(":::") ? text : null
}

/** A key pair's name that is a plain file name; null for anything else. */
export function plainKeyName(name: string): string | null {
  return /^[A-Za-z0-9_][A-Za-z0-9._@+=-]{0,200}$/.test(name) ? name : null
}

/** A name of a Unix user, as it may stand after `-l`. */
export const unixUserPattern = /^[a-z_][a-z0-9_-]{0,31}$/

/**
 * By how the names of images begin that their makers publish. Sources: the makers' pages on EC2, and
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html
 */
const usersOfImages: [name: RegExp, user: string][] = [
  [/^(al20\d\d|amzn2?|amazon)[-_]/i, "ec2-user"],
  [/^deep learning.*ubuntu/i, "ubuntu"],
  [/^deep learning.*(amazon linux|neuron)/i, "ec2-user"],
  [/ubuntu[-/]/i, "ubuntu"],
  [/^debian-/i, "admin"],
  [/^rocky-/i, "rocky"],
  [/^almalinux/i, "ec2-user"],
  [/^centos (linux )?[67]/i, "centos"],
  [/^centos/i, "ec2-user"],
  [/^fedora-/i, "fedora"],
  [/^rhel-/i, "ec2-user"],
  [/^suse-/i, "ec2-user"],
  [/^opensuse/i, "ec2-user"],
  [/^oracle|^ol\d/i, "ec2-user"],
  [/^freebsd/i, "ec2-user"],
  [/^arch-/i, "arch"],
  [/^kali-/i, "kali"],
  [/^bitnami-/i, "bitnami"],
]

/** The user that an image of this name lets in; null where its maker is not known. */
export function userOfImage(imageName: string): string | null {
  return usersOfImages.find(([name]) => name.test(imageName))?.[1] ?? null
}

export interface SshBlock {
  id: string
  user: string
  /** The home of whoever connects. */
  home: string
  keyName: string
  /** `ec2-ssh`, by its absolute path. */
  program: string
}

/** Lines for ~/.ssh/config; empty where anything of it could be read as more than it is. */
export function sshConfigBlock({ id, user, home, keyName, program }: SshBlock): string[] {
  const isPath = (path: string) => /^\/[^\p{Cc}"%]*$/u.test(path)
  if (!isInstanceId(id) || !unixUserPattern.test(user) || !isPath(home) || !isPath(program)) return []
  const key = plainKeyName(keyName)
  return [
    `Host ${id}`,
    `  User ${user}`,
    ...(key === null ? [] : [`  IdentityFile "${home}/${key}.pem"`]),
    `  HostKeyAlias ${id}`,
    `  UserKnownHostsFile "${home}/${knownHostsPath(id)}"`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  CheckHostIP no",
    "  UpdateHostKeys no",
    "  ForwardAgent no",
    "  ForwardX11 no",
    "  ControlPath none",
    `  ProxyCommand "${program}" --stdio ${id}`,
  ]
}

/** In the home: a file for each instance, so that none has to be merged. */
export function knownHostsPath(id: string): string {
  return `.ec2-wrappers/known_hosts/${id}`
}
