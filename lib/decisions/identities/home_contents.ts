/** What `ec2_util --init` writes into a home. Scripts, Makefiles and students' habits read these files: names and keys stay. */

import { shellWord } from "../../base/text.ts"
import { mergeIniSection } from "./ini_merge.ts"
import { defaultKeyName } from "./key_name.ts"

/** The part that both kinds of credentials need. */
export interface HomeFacts {
  login: string
  /** Absolute. */
  home: string
  course: string
  region: string
  /** An emulator's address, or null. */
  endpoint: string | null
  /** Image for clusters; "" leaves the choice to ec2-run. */
  image: string
}

export interface KeyFacts extends HomeFacts {
  accessKey: { id: string; secret: string }
}

export interface SessionFacts extends HomeFacts {
  /** The absolute path of `ec2-util`. */
  utility: string
}

export interface HomeContent {
  /** `NAME` or `DIRECTORY/NAME`. */
  path: string
  /** The whole new content, given the old one (null: no file); null where none is needed. Only profiles depend on it. */
  content(old: string | null): string | null
  /** Whether the file is shared with others, so that the rest of it stays; else it is ours, and a person's change is kept aside. */
  merged: boolean
}

const whole = (path: string, text: string): HomeContent => ({ path, content: () => text, merged: false })

const merged = (path: string, name: string, values: Record<string, string | null>): HomeContent => ({
  path,
  content: (old) => mergeIniSection(old ?? "", { name, values, unwanted: otherCredentials }),
  merged: true,
})

/**
 * Every other way to credentials, in either file: some win over an access key, some make readers fail beside one.
 * https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
 */
const otherCredentials =
  /^(aws_session_token|aws_security_token|aws_account_id|role_arn|role_session_name|source_profile|credential_source|credential_process|web_identity_token_file|external_id|mfa_serial|duration_seconds|login_session|sso_\w+)$/

/** Where `credential_process` is ours, it stays. */
const otherThanProcess = new RegExp(otherCredentials.source.replace("credential_process|", ""))

/** What the course's profile says for both kinds of credentials. An emulator's address of before goes. */
const profileOf = ({ region, endpoint }: HomeFacts) => ({ region, endpoint_url: endpoint })

/** A fixed key in the file of profiles would win over one in the other file. */
const noKeys = { aws_access_key_id: null, aws_secret_access_key: null }

export function homeContents(facts: KeyFacts): HomeContent[] {
  const { course, accessKey } = facts
  const secrets = { aws_access_key_id: accessKey.id, aws_secret_access_key: accessKey.secret }
  return [
    whole("ec2-environment.sh", environment(facts)),
    whole(".boto", section("Credentials", secrets)),
    whole(".aws-creds", `AWSAccessKeyId=${accessKey.id}\nAWSSecretKey=${accessKey.secret}\n`),
    whole(".s3cfg", s3cfg(facts)),
    whole(".hadoop-cloud/clusters.cfg", clusters(facts)),
    merged(".aws/credentials", course, secrets),
    merged(".aws/config", `profile ${course}`, { ...profileOf(facts), ...noKeys }),
  ]
}

/** Files that hold an access key and cannot ask for a session. */
export const filesWithSecrets = [".boto", ".aws-creds", ".s3cfg"] as const

/**
 * For a login with sessions: no file holds a secret. The profile asks `ec2-util` for the session; a fixed key in the other file would
 * win over that, and goes.
 */
export function sessionHomeContents(facts: SessionFacts): HomeContent[] {
  const { course, utility } = facts
  const noSecrets = merged(".aws/credentials", course, noKeys)
  const values = { ...profileOf(facts), ...noKeys, credential_process: `${utility} --credentials` }
  return [
    {
      path: ".aws/config",
      content: (old) =>
        mergeIniSection(old ?? "", { name: `profile ${course}`, values, unwanted: otherThanProcess }),
      merged: true,
    },
    { ...noSecrets, content: (old) => (old === null ? null : noSecrets.content(old)) },
    whole("ec2-environment.sh", sessionEnvironment(utility)),
    whole(".hadoop-cloud/clusters.cfg", clusters(facts)),
  ]
}

/** Sourced by a shell: its session, asked for anew each time. */
export function sessionEnvironment(utility: string): string {
  return `# Written by ec2-util --init: source it, do not edit it.\neval "$(${utility} --credentials --format env)"\n`
}

export function privateKeyFile(keyName: string, privateKey: string): HomeContent {
  return { path: `${keyName}.pem`, content: () => `${privateKey.trimEnd()}\n`, merged: false }
}

/** Variables that a client of AWS would ask before, or beside, an access key in the environment; a session sets the first one anew. */
export const winningVariables = [
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_CREDENTIAL_EXPIRATION",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_ROLE_ARN",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
] as const

/** Sourced by shells of all kinds: plain sh, and nothing that stops the shell it is sourced into. */
function environment({ accessKey }: KeyFacts): string {
  return `# Written by ec2-util --init: source it, do not edit it.
unset ${winningVariables.join(" ")}
export AWS_ACCESS_KEY_ID=${shellWord(accessKey.id)}
export AWS_SECRET_ACCESS_KEY=${shellWord(accessKey.secret)}
export JAVA_HOME="\${JAVA_HOME:-/usr/lib/jvm/default-java}"
export AWS_IAM_HOME="\${AWS_IAM_HOME:-/usr/local/aws-iam}"
export AWS_CREDENTIAL_FILE="$HOME/.aws-creds"
export EC2_PRIVATE_KEY="$HOME/.ec2/pk.pem"
export EC2_CERT="$HOME/.ec2/cert.pem"
if [ ! -e "$EC2_CERT" ] && command -v new-ec2-certificate >/dev/null 2>&1; then
  new-ec2-certificate
fi
`
}

function s3cfg({ accessKey, region }: KeyFacts): string {
  return section("default", {
    access_key: accessKey.id,
    secret_key: accessKey.secret,
    host_base: "s3.amazonaws.com",
    host_bucket: "%(bucket)s.s3.amazonaws.com",
    // S3's own name for the region that it began in.
    bucket_location: region === "us-east-1" ? "US" : region,
    use_https: "True",
    encrypt: "False",
    force: "False",
  })
}

/** Where the first of a login's three proxy ports is: two letters at its end make 26² places, others share a range above. */
export function firstProxyPort(login: string): number {
  const [, a, b] = /([a-z])([a-z])$/.exec(login) ?? []
  const place =
    a && b ? 26 * letterIndex(a) + letterIndex(b) : 26 * 26 + (hashOf(login) % placesWithoutLetters)
  return 40_000 + 3 * place
}

const placesWithoutLetters = 1000

function letterIndex(letter: string): number {
  return letter.charCodeAt(0) - "a".charCodeAt(0)
}

/** FNV-1a: the same on every host and in every version. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return hash >>> 0
}

/**
 * No script over plain HTTP and no StrictHostKeyChecking=no, as there used to be: hadoop_ec2 brings its own script and checks
 * host keys.
 */
function clusters({ login, home, image }: HomeFacts): string {
  const keyName = defaultKeyName(login)
  // Each has the memory for all daemons of a master, and of a worker.
  const sizes = [
    ["testing", "t3.medium"],
    ["medium", "t3.large"],
    ["large", "m7i.xlarge"],
  ] as const
  return sizes
    .map(([size, instanceType], index) =>
      section(`${login}-${size}`, {
        image_id: image,
        instance_type: instanceType,
        key_name: keyName,
        // The reader interpolates %(key)s.
        private_key: `${home}/${keyName}.pem`.replaceAll("%", "%%"),
        ssh_options: "-i %(private_key)s",
        user_data_file: "",
        proxy_port: String(firstProxyPort(login) + index),
      }),
    )
    .join("\n")
}

function section(name: string, values: Record<string, string>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}`.trimEnd())
  return `[${name}]\n${lines.join("\n")}\n`
}
