import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { iniList, iniSection, parseIni } from "../../../lib/decisions/clusters/ini.ts"
import { typeFor } from "../../../lib/decisions/clusters/instance_types.ts"
import {
  requireSpotFor,
  settingsOfSection,
  toSettings,
  withGiven,
} from "../../../lib/decisions/clusters/settings.ts"
import { shellCommand, splitWords } from "../../../lib/decisions/ssh/shell_words.ts"

/** As ec2_util --init of 2010 wrote it. */
const oldFile = `
[cs61c-ab-testing]
image_id=ami-2359bf4a
instance_type=m1.small
key_name=cs61c-ab-default
private_key=/home/cs61c-ab/%(key_name)s.pem
ssh_options=-i %(private_key)s -o StrictHostKeyChecking=no
user_data_file=http://inst.eecs.example.edu/hadoop-ec2-init.sh
proxy_port=40003
env=
  A=1
  B=two words
`

describe("clusters.cfg", () => {
  test("the file of the old ec2_util is read unchanged", () => {
    const section = iniSection(parseIni("clusters.cfg", oldFile), "cs61c-ab-testing")
    const { raw, unknown } = settingsOfSection(section ?? new Map())
    expect(unknown).toEqual([])
    expect(toSettings(raw, "cs61c-ab")).toMatchObject({
      imageId: "ami-2359bf4a",
      instanceType: "m1.small",
      privateKey: "/home/cs61c-ab/cs61c-ab-default.pem",
      sshOptions: ["-i", "/home/cs61c-ab/cs61c-ab-default.pem", "-o", "StrictHostKeyChecking=no"],
      proxyPort: 40003,
      env: { A: "1", B: "two words" },
    })
  })

  test("one line is a list of one, several lines are several", () => {
    expect(iniList("1.2.3.0/24")).toEqual(["1.2.3.0/24"])
    expect(iniList("\n1.2.3.0/24\n4.5.6.7\n")).toEqual(["1.2.3.0/24", "4.5.6.7"])
  })

  test("packages may stand on several lines, too", () => {
    const { raw } = settingsOfSection(new Map([["user_packages", "vim git\n  htop"]]))
    expect(toSettings(raw, "cs61c-ab").userPackages).toBe("vim git htop")
  })

  test("defaults, nested interpolation, %% and comments are as ConfigParser has them", () => {
    const file = parseIni("f", "[DEFAULT]\nbase = /a ; why\n# no\n[c]\nX: %(y)s/%%\ny = %(BASE)s#b\n")
    expect(Object.fromEntries(iniSection(file, "c") ?? [])).toEqual({ base: "/a", x: "/a#b/%", y: "/a#b" })
    expect(iniSection(file, "other")).toBeNull()
  })

  test("a % where nothing is referred to stays, as ConfigParser of Python 2 left it", () => {
    const text = "[c]\na = http://h/a%20b%\nb = -o ControlPath=~/%r@%h\nc = -i k %(b)s\n"
    const values = iniSection(parseIni("f", text), "c") ?? new Map()
    const b = "-o ControlPath=~/%r@%h"
    expect(Object.fromEntries(values)).toEqual({ a: "http://h/a%20b%", b, c: `-i k ${b}` })
  })

  test("a byte order mark, Windows' lines and two quotes for nothing are as people have them", () => {
    const section = iniSection(parseIni("f", '\uFEFF[c]\r\nuser_packages = ""\r\nimage_id=ami-1\r\n'), "c")
    const { raw } = settingsOfSection(section ?? new Map())
    expect(toSettings(raw, "cs61c-ab")).toMatchObject({ userPackages: "", imageId: "ami-1" })
  })

  test.each([
    ['private_key="~/my key.pem"', { privateKey: "~/my key.pem" }],
    ["image_id = 'ami-1'", { imageId: "ami-1" }],
    ['ssh_options = "-o ControlPath=none -v"', { sshOptions: ["-o", "ControlPath=none", "-v"] }],
    ['ssh_options = -i "my key" -o "A=b c"', { sshOptions: ["-i", "my key", "-o", "A=b c"] }],
    ['ssh_options = "-i" "x"', { sshOptions: ["-i", "x"] }],
    ['env = GREETING="hello world"', { env: { GREETING: "hello world" } }],
    ["env =\n  \"A=1\"\n  B='it is'", { env: { A: "1", B: "it is" } }],
    ['client_cidr = "10.0.0.0/8"', { clientCidrs: ["10.0.0.0/8"] }],
    ['user_data_file = "a "" b"', { userDataFile: '"a "" b"' }],
  ])("quotes are read as they were meant: %s", (line, wanted) => {
    const section = iniSection(parseIni("f", `[c]\n${line}\n`), "c") ?? new Map()
    expect(toSettings(settingsOfSection(section).raw, "cs61c-ab")).toMatchObject(wanted)
  })

  test("types may differ by role; the command line's win", () => {
    const file = { instance_type: ["t3.large", "nn, rm=m7i.xlarge"] }
    const typesOf = (given: string[]) => {
      const raw = withGiven(file, given.length > 0 ? { instance_type: given } : {})
      const settings = toSettings(raw, "cs61c-ab")
      return [["nn", "snn", "rm"] as const, ["dn"] as const].map((roles) => typeFor(settings, roles))
    }
    expect(typesOf([])).toEqual(["m7i.xlarge", "t3.large"])
    expect(typesOf(["dn,tt=r7i.large"])).toEqual(["m7i.xlarge", "r7i.large"])
    expect(typesOf(["c7i.large"])).toEqual(["c7i.large", "c7i.large"])
    expect(typesOf(["c7i.large", "dn=r7i.large"])).toEqual(["c7i.large", "r7i.large"])
    expect(() => typesOf(["snn=t3.small"])).toThrow(
      "nn, snn, rm are on one node and name m7i.xlarge and t3.small",
    )
    expect(() => typesOf(["boss=t3.small"])).toThrow('"boss" is not one of')
    expect(() => typesOf(["large"])).toThrow('is "large", wanted TYPE or ROLES=TYPE')
  })

  test("a line that begins with REM is a comment, as ConfigParser has it", () => {
    const file = parseIni("f", "REM [x]\nrem\n[c]\nimage_id = ami-1\nRem image_id = ami-2\nremark = 1\n")
    expect(Object.fromEntries(iniSection(file, "c") ?? [])).toEqual({ image_id: "ami-1", remark: "1" })
  })

  test("spot settings of the file wait for --use-spot; on the command line they are no word without it", () => {
    const settings = toSettings({ max_price: ["0.1"] }, "cs61c-ab")
    expect(() => requireSpotFor({}, settings)).not.toThrow()
    expect(() => requireSpotFor({ max_price: ["0.1"] }, settings)).toThrow(
      "max-price: has no effect without --use-spot",
    )
    const spot = toSettings({ use_spot: ["yes"], spot_master: ["true"] }, "cs61c-ab")
    expect(() => requireSpotFor({ spot_master: ["true"] }, spot)).not.toThrow()
  })

  test.each([
    ["a = 1\n", "f:1: stands before the first [SECTION]"],
    ["[c]\nwhat\n", 'f:2: is "what", wanted [SECTION] or KEY = VALUE'],
    ["[c]\na = %(b)s\n", 'f: [c] a: refers to "b", which is not set'],
    ["[c]\na = %(a)s\n", "f: [c] a: refers to itself"],
    ["[c]\na = 5%/%(b)s\nb = 1\n", "beside one, write a lone % as %%"],
  ])("a mistake is named with its place: %j", (text, message) => {
    const read = () => iniSection(parseIni("f", text), "c")
    expect(read).toThrow(message)
  })

  test.each([
    ["env", "1A=x", "is not NAME=VALUE"],
    ["client_cidr", "10.0.0.300", "is not an IPv4 address"],
    ["client_cidr", "0.0.0.0/33", "is not an IPv4 address"],
    ["proxy_port", "80", "wanted a whole number from 1024"],
    ["lease", "soon", "wanted a duration"],
    ["use_spot", "maybe", "wanted true or false"],
    ["max_price", "-1", "wanted US$ per hour"],
    ["ssh_user", "-oProxyCommand=x", "wanted a login"],
    ["ssh_options", "-i 'open", "has an open quote"],
    ["spot_fallback", "never", "wanted on-demand"],
    ["tags", "ec2-wrappers:owner=root", "outside of aws: and ec2-wrappers:"],
    ["cloud_provider", "rackspace", "wanted ec2"],
  ] as const)("%s = %s is refused: %s", (key, value, message) => {
    const raw = { use_spot: ["true"], [key]: [value] }
    expect(() => toSettings(raw, "cs61c-ab")).toThrow(message)
  })

  test("unknown keys are said and ignored", () => {
    expect(settingsOfSection(new Map([["instancetype", "x"]]))).toEqual({
      raw: {},
      unknown: ["instancetype"],
    })
  })

  test("words survive quoting and splitting, whatever is in them", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
        const clean = words.map((word) => word.replaceAll("\0", ""))
        expect(splitWords(shellCommand(clean))).toEqual(clean)
      }),
    )
  })

  test("a real shell splits our commands into the same words", () => {
    const words = ["a b", "$HOME", "`id`", "it's", "", "-n", "*", "\\", "ä\n!"]
    const { stdout } = Bun.spawnSync(["sh", "-c", shellCommand(["printf", "<%s>", ...words])])
    expect(stdout.toString()).toBe(words.map((word) => `<${word}>`).join(""))
  })
})
