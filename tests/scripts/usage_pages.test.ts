/** Pages for a web server: who may read them, where they are refused, and nginx's documented rule. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { requirePageDirectory, writeSharedPages } from "../../lib/host/files/shared_pages.ts"
import { root } from "../support/build.ts"
import { oldRules, putOldDatabase } from "../support/old_database.ts"
import { type Workspace, workspace } from "../support/tools.ts"

const lacking = [
  ...(process.getuid?.() === 0 ? [] : ["root"]),
  ...(existsSync("/usr/bin/setfacl") ? [] : ["setfacl (Debian: apt install acl)"]),
]
const skipped = lacking.length > 0
const hasNginx = existsSync("/usr/sbin/nginx")
if (process.env.TEST_SKIPS && (skipped || !hasNginx))
  appendFileSync(
    process.env.TEST_SKIPS,
    `pages on a web server: no ${[...lacking, ...(hasNginx ? [] : ["nginx"])].join(", ")}\n`,
  )

const uid = process.getuid?.() ?? -1
let course: Workspace
let pages: string
// Real logins of every Debian: the page of one must be closed to the other.
const [owner, other, webServer] = ["games", "man", "www-data"] as const

beforeAll(async () => {
  course = workspace({
    endpoint: "http://127.0.0.1:9",
    config: { ...oldRules, course: { accounts: ["*"], staff: ["cs61c", "mail"] } },
  })
  putOldDatabase(
    course,
    `INSERT INTO instances VALUES ('i-g', 'm1.small', 2455501.5, 2455502.6, '1', 0, '${owner}');
     INSERT INTO instances VALUES ('i-m', 'm1.small', 2455501.5, 2455503.6, '1', 0, '${other}')`,
  )
  const made = await course.run("init_dbs")
  expect([made.stderr, made.code]).toEqual([expect.any(String), 0])
  chmodSync(course.directory, 0o711)
})
afterAll(() => course.remove())
beforeEach(() => {
  pages = join(course.directory, "pages")
  rmSync(pages, { recursive: true, force: true })
  mkdirSync(pages, { mode: 0o711 })
  course.configure({ reports: { html_dir: pages } })
})

const readBy = (login: string, name: string) =>
  Bun.spawnSync([
    "setpriv",
    `--reuid=${login}`,
    `--regid=nogroup`,
    "--clear-groups",
    "cat",
    join(pages, name),
  ])
/** The snapshot fails, there is no EC2; the pages are written all the same. */
const cron = () => course.run("usage_cron")
const own = "EC2 spending of games"

describe.skipIf(skipped)("usage_cron with [reports] html_dir", () => {
  test("gives each page to its login and the web server alone, and ALL.html to staff", async () => {
    await cron()
    expect(readdirSync(pages).filter((name) => name.startsWith("."))).toEqual([])
    for (const name of [`${owner}.html`, `${other}.html`, "ALL.html"])
      expect(statSync(join(pages, name)).mode & 0o7777).toBe(0o640)
    for (const login of [owner, webServer])
      expect(readBy(login, `${owner}.html`).stdout.toString()).toContain(own)
    for (const login of [other, "nobody"]) expect(readBy(login, `${owner}.html`).exitCode).not.toBe(0)
    for (const login of [webServer, "mail"])
      expect(readBy(login, "ALL.html").stdout.toString()).toContain("EC2 spending, cs61c")
    expect(readBy(owner, "ALL.html").exitCode).not.toBe(0)
  })

  test("writes anew what is an hour old, and ALL.html each time", async () => {
    await cron()
    const [kept, aged] = [join(pages, `${owner}.html`), join(pages, `${other}.html`)]
    writeFileSync(kept, "as it was")
    writeFileSync(join(pages, "ALL.html"), "as it was")
    Bun.spawnSync(["touch", "-d", "2 hours ago", aged])
    const before = statSync(aged).mtimeMs
    await cron()
    expect(readFileSync(kept, "utf8")).toBe("as it was")
    expect(statSync(aged).mtimeMs).toBeGreaterThan(before)
    expect(readFileSync(join(pages, "ALL.html"), "utf8")).toContain("<!doctype html>")
  })

  test("a run that was killed leaves nothing that stops the next one", async () => {
    writeFileSync(join(pages, `.${owner}.html.new`), "half a pa")
    await cron()
    expect(readFileSync(join(pages, `${owner}.html`), "utf8")).toContain(own)
    expect(existsSync(join(pages, `.${owner}.html.new`))).toBe(false)
  })

  test("refuses and removes pages where no access control list can be set", async () => {
    const inside = `mount -t ramfs pages '${pages}' && chmod 711 '${pages}' && echo old > '${pages}/${owner}.html'
      '${process.execPath}' '${join(root, "scripts/usage_cron.ts")}'; ls -A '${pages}'`
    const child = Bun.spawn(["unshare", "--mount", "sh", "-c", inside], {
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        REAL_USERNAME: "cs61c",
        HOME: course.home("cs61c"),
        EC2_WRAPPERS_CONFIG: course.configPath,
      },
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect(stderr).toContain(`html_dir ${pages}: no access control list can be set there, `)
    expect(stdout).toBe("")
  })

  test("says what is wrong with the web server's login, and does the rest of its work", async () => {
    course.configure({ reports: { html_dir: pages, web_server: "no-such-login" } })
    expect((await cron()).stderr).toContain("[reports] web_server no-such-login is no login of this host")
    expect(readdirSync(pages)).toEqual([])
  })

  test.each([
    ["is readable to others", () => chmodSync(pages, 0o755), "can be listed by others"],
    ["is writable to others", () => chmodSync(pages, 0o733), "is writable by group or others"],
    ["is writable to the group", () => chmodSync(pages, 0o731), "is writable by group or others"],
    ["belongs to somebody else", () => chownSync(pages, 65534, 65534), "is owned by uid 65534"],
    ["is not there", () => rmSync(pages, { recursive: true }), "does not exist"],
    [
      "is a link",
      () => {
        renameSync(pages, `${pages}-real`)
        symlinkSync(`${pages}-real`, pages)
      },
      "is reached by a symbolic link",
    ],
  ])("uses no directory that %s", (_, spoil, why) => {
    rmSync(`${pages}-real`, { recursive: true, force: true })
    expect(() => requirePageDirectory(pages, uid)).not.toThrow()
    spoil()
    expect(() => requirePageDirectory(pages, uid)).toThrow(why)
    rmSync(pages, { recursive: true, force: true })
  })

  test("a setfacl that fails leaves no page, open or closed", async () => {
    const page = { name: "a=b.html", text: "secret", readers: [uid] }
    expect(await writeSharedPages(pages, [page], "/bin/false")).toEqual(["a=b.html"])
    expect(readdirSync(pages)).toEqual([])
    expect(await writeSharedPages(pages, [page])).toEqual([])
    expect(readdirSync(pages)).toEqual(["a=b.html"])
  })
})

describe.skipIf(skipped || !hasNginx)("nginx with the rule of docs/staff.md", () => {
  test("shows the own page to REMOTE_USER alone, and the course's to staff", async () => {
    await cron()
    const free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
    const { port } = free
    free.stop(true)
    const directory = join(course.directory, "nginx")
    mkdirSync(directory, { mode: 0o755 })
    const users = join(directory, "users")
    const crypt = Bun.spawnSync(["openssl", "passwd", "-apr1", "pw"]).stdout.toString().trim()
    const logins = [owner, other, "cs61c-ta", "../pages/man", "none"]
    writeFileSync(users, logins.map((login) => `${login}:${crypt}\n`).join(""))
    const rule =
      /<!-- nginx -->\n```nginx\n([\s\S]*?)```/.exec(
        readFileSync(join(root, "docs/staff.md"), "utf8"),
      )?.[1] ?? ""
    const here = rule
      .replace("listen 443 ssl", `listen 127.0.0.1:${port}`)
      .replace("/etc/nginx/ec2.htpasswd", users)
      .replace("/srv/ec2-pages", pages)
    expect(here).not.toBe(rule)
    writeFileSync(
      join(directory, "nginx.conf"),
      `daemon off; user ${webServer}; pid ${directory}/pid; error_log ${directory}/errors;
       events {} http { access_log off; types { text/html html; } ${here} }`,
    )
    const nginx = Bun.spawn(["/usr/sbin/nginx", "-c", join(directory, "nginx.conf")], { stderr: "ignore" })
    try {
      const get = (path: string, login?: string, password = "pw") =>
        fetch(`http://127.0.0.1:${port}${path}`, {
          headers: login === undefined ? {} : { authorization: `Basic ${btoa(`${login}:${password}`)}` },
        })
      for (let tries = 0; tries < 200; tries++) {
        if (await get("/").catch(() => null)) break
        await Bun.sleep(50)
      }
      const mine = await get("/ec2/", owner)
      expect([mine.status, mine.headers.get("content-type")]).toEqual([200, "text/html"])
      expect(mine.headers.get("cache-control")).toBe("private, no-store")
      expect(await mine.text()).toContain(own)
      const theirs = await (await get("/ec2/", other)).text()
      expect(theirs).toContain("EC2 spending of man")
      expect(theirs).not.toContain(owner)
      const status = async (...call: Parameters<typeof get>) => (await get(...call)).status
      expect(await status("/ec2/")).toBe(401)
      expect(await status("/ec2/", owner, "wrong")).toBe(401)
      expect(await (await get("/ec2/all", "cs61c-ta")).text()).toContain("EC2 spending, cs61c")
      expect(await status("/ec2/all", owner)).toBe(404)
      for (const path of [`/${other}.html`, `/ec2/${other}.html`, `/ec2/../${other}.html`, "/ALL.html", "/"])
        expect(await status(path, owner)).toBe(404)
      for (const login of ["../pages/man", "none"]) expect(await status("/ec2/", login)).toBe(404)
    } finally {
      nginx.kill()
      await nginx.exited
    }
  })
})
