import { describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { firstProxyPort, homeContents } from "../../../lib/decisions/identities/home_contents.ts"

const facts = {
  login: "cs61c-ab",
  home: "/home/cs61c-ab",
  course: "cs61c",
  region: "us-east-1",
  endpoint: null,
  image: "",
  accessKey: { id: "AKIAEXAMPLE", secret: "s3cr/et+'x" },
}
const contentOf = (path: string) =>
  homeContents(facts)
    .find((file) => file.path === path)
    ?.content(null) ?? ""

/** What Python's own reader, which the readers of these files use, makes of them. */
function readByPython(text: string, raw: boolean): Record<string, Record<string, string>> {
  const directory = mkdtempSync(join(tmpdir(), "ini-"))
  const path = join(directory, "x.cfg")
  writeFileSync(path, text)
  const program = `import configparser, json
c = configparser.${raw ? "RawConfigParser" : "ConfigParser"}()
c.read(${JSON.stringify(path)})
print(json.dumps({s: dict(c.items(s)) for s in c.sections() + (["DEFAULT"] if c.defaults() else [])}))`
  const { stdout } = Bun.spawnSync(["python3", "-c", program])
  rmSync(directory, { recursive: true })
  return JSON.parse(String(stdout))
}

describe("files in the home", () => {
  test("are the old ones, and the profile", () => {
    expect(homeContents(facts).map(({ path, merged }) => [path, merged])).toEqual([
      ["ec2-environment.sh", false],
      [".boto", false],
      [".aws-creds", false],
      [".s3cfg", false],
      [".hadoop-cloud/clusters.cfg", false],
      [".aws/credentials", true],
      [".aws/config", true],
    ])
  })

  test("ec2-environment.sh exports what it used to when a shell sources it", () => {
    const program = `HOME=/home/x; new-ec2-certificate() { echo made; }; ${contentOf("ec2-environment.sh")}
env | grep -E '^(AWS_|JAVA_HOME|EC2_)' | sort`
    const { stdout, stderr } = Bun.spawnSync(["bash", "-c", program], { env: { PATH: "/usr/bin:/bin" } })
    expect(String(stderr)).toBe("")
    expect(String(stdout).trim().split("\n")).toEqual([
      "made",
      "AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
      "AWS_CREDENTIAL_FILE=/home/x/.aws-creds",
      "AWS_IAM_HOME=/usr/local/aws-iam",
      "AWS_SECRET_ACCESS_KEY=s3cr/et+'x",
      "EC2_CERT=/home/x/.ec2/cert.pem",
      "EC2_PRIVATE_KEY=/home/x/.ec2/pk.pem",
      "JAVA_HOME=/usr/lib/jvm/default-java",
    ])
  })

  test("ec2-environment.sh does not stop a shell that lacks new-ec2-certificate", () => {
    const program = `set -eu; HOME=/home/x; ${contentOf("ec2-environment.sh")} echo on`
    const { stdout } = Bun.spawnSync(["sh", "-c", program], { env: { PATH: "/usr/bin:/bin" } })
    expect(String(stdout)).toBe("on\n")
  })

  test(".boto and .s3cfg have the keys that their readers ask for", () => {
    expect(readByPython(contentOf(".boto"), true)).toEqual({
      Credentials: { aws_access_key_id: "AKIAEXAMPLE", aws_secret_access_key: "s3cr/et+'x" },
    })
    expect(Object.keys(readByPython(contentOf(".s3cfg"), true).default ?? {})).toEqual([
      "access_key",
      "secret_key",
      "host_base",
      "host_bucket",
      "bucket_location",
      "use_https",
      "encrypt",
      "force",
    ])
    expect(contentOf(".aws-creds")).toBe("AWSAccessKeyId=AKIAEXAMPLE\nAWSSecretKey=s3cr/et+'x\n")
  })

  test("clusters.cfg has three clusters, as hadoop-ec2 reads them", () => {
    const clusters = readByPython(contentOf(".hadoop-cloud/clusters.cfg"), false)
    expect(
      Object.entries(clusters).map(([name, keys]) => [name, keys.instance_type, keys.proxy_port]),
    ).toEqual([
      ["cs61c-ab-testing", "t3.medium", "40003"],
      ["cs61c-ab-medium", "t3.large", "40004"],
      ["cs61c-ab-large", "m7i.xlarge", "40005"],
    ])
    expect(clusters["cs61c-ab-testing"]).toMatchObject({
      image_id: "",
      key_name: "cs61c-ab-default",
      private_key: "/home/cs61c-ab/cs61c-ab-default.pem",
      ssh_options: "-i /home/cs61c-ab/cs61c-ab-default.pem",
      user_data_file: "",
    })
  })

  test("clusters.cfg neither switches host keys off nor fetches a script over plain HTTP", () => {
    expect(contentOf(".hadoop-cloud/clusters.cfg")).not.toMatch(/StrictHostKeyChecking|http:/)
  })

  test.each([
    ["cs61c-aa", 40_000],
    ["cs61c-ab", 40_003],
    ["cs61c-ba", 40_078],
    ["cs61c-zz", 42_025],
  ])("the proxy ports of %s begin at %d", (login, port) => expect(firstProxyPort(login)).toBe(port))

  test("the ports of a login without two letters are above all others", () => {
    expect(firstProxyPort("cs61c")).toBeGreaterThanOrEqual(42_028)
    expect(firstProxyPort("staff_1")).toBeLessThan(46_000)
  })
})
