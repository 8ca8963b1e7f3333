/** Spark's and Hadoop's own daemons, each on a loopback address of its own, as nodes of a cluster are. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const opens = [
  "sun.nio.ch",
  "java.nio",
  "java.lang",
  "java.util",
  "java.lang.invoke",
  "sun.security.action",
  "java.net",
  "java.util.concurrent",
]
const javaOptions = [
  ...opens.flatMap((name) => ["--add-opens", `java.base/${name}=ALL-UNNAMED`]),
  ...["--add-exports", "java.base/sun.nio.ch=ALL-UNNAMED", "-Xmx700m", "-Dhadoop.log.dir=."],
]

export const pages = {
  sparkMaster: "http://127.0.0.1:28080/",
  sparkWorker: "http://127.0.0.3:28081/",
  sparkHistory: "http://127.0.0.5:28082/",
  nameNode: "http://127.0.0.1:29870/dfshealth.html",
  dataNode: "http://127.0.0.4:29864/datanode.html",
}

export interface Daemons {
  stop(): void
}

/** Where their classes are. */
export interface Jars {
  /** The folder of Spark's. */
  spark: string
  /** Hadoop's minicluster, one file with everything in it. */
  hadoop: string
}

/** Starts all of them, runs a job whose events the history shows, and waits until every page answers. */
export async function startDaemons({ spark, hadoop: minicluster }: Jars): Promise<Daemons> {
  const jars = `${spark}/*`
  const folder = mkdtempSync(join(tmpdir(), "cluster-pages-"))
  const running: ChildProcess[] = []
  const java = (name: string, classpath: string, args: string[], env: Record<string, string> = {}) => {
    const log = openSync(join(folder, `${name}.log`), "w")
    const child = spawn("java", [...javaOptions, "-cp", classpath, ...args], {
      stdio: ["ignore", log, log],
      cwd: folder,
      env: { ...process.env, SPARK_LOCAL_IP: "127.0.0.1", ...env },
    })
    running.push(child)
    return child
  }
  const done = (name: string, child: ChildProcess) =>
    new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => {
        if (code === 0) resolve()
        else
          reject(
            new Error(
              `${name} ended with ${code}: ${readFileSync(join(folder, `${name}.log`), "utf8").slice(-2000)}`,
            ),
          )
      })
    })
  const stop = () => {
    for (const child of running) child.kill("SIGKILL")
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    for (const name of ["events", "conf"]) mkdirSync(join(folder, name))
    writeHadoopConfiguration(folder)
    const hadoop = `${join(folder, "conf")}:${minicluster}:${jars}`
    const namenode = "org.apache.hadoop.hdfs.server.namenode.NameNode"
    const master = [
      "org.apache.spark.deploy.master.Master",
      "--host",
      "127.0.0.1",
      "--port",
      "27077",
      "--webui-port",
      "28080",
    ]
    java("master", jars, master)
    const history = [
      "-Dspark.history.fs.update.interval=2s",
      "-Dspark.history.ui.port=28082",
      `-Dspark.history.fs.logDirectory=file://${folder}/events`,
    ]
    java("history", jars, [...history, "org.apache.spark.deploy.history.HistoryServer"], {
      SPARK_LOCAL_IP: "127.0.0.5",
    })
    await done("format", java("format", hadoop, [namenode, "-format", "-force", "-nonInteractive"]))
    java("namenode", hadoop, [namenode])
    await answering(pages.sparkMaster)
    const worker = [
      "org.apache.spark.deploy.worker.Worker",
      "--host",
      "127.0.0.3",
      "--webui-port",
      "28081",
      "-c",
      "1",
      "-m",
      "600m",
      "spark://127.0.0.1:27077",
    ]
    java("worker", jars, worker, { SPARK_LOCAL_IP: "127.0.0.3" })
    await answering(pages.nameNode)
    java("datanode", hadoop, ["org.apache.hadoop.hdfs.server.datanode.DataNode"])
    await done("job", java("job", jars, jobArguments(folder)))
    for (const page of Object.values(pages)) await answering(page)
    // Each links to the other only once the worker is registered.
    await containing(pages.sparkWorker, `:${new URL(pages.sparkMaster).port}`)
    await containing(pages.sparkMaster, `:${new URL(pages.sparkWorker).port}`)
    await containing(
      `${pages.nameNode.replace("dfshealth.html", "jmx")}?qry=Hadoop:service=NameNode,name=NameNodeInfo`,
      "127.0.0.4",
    )
    await containing(`${pages.sparkHistory}api/v1/applications`, "completed")
    return { stop }
  } catch (error) {
    stop()
    throw error
  }
}

function jobArguments(folder: string): string[] {
  const settings = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": `file://${folder}/events`,
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.warehouse.dir": `${folder}/warehouse`,
  }
  return [
    ...["org.apache.spark.deploy.SparkSubmit", "--master", "local[1]", "--name", "counting"],
    ...Object.entries(settings).flatMap(([key, value]) => ["--conf", `${key}=${value}`]),
    ...["--class", "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver", "spark-internal"],
    ...["-e", "select id % 3, count(*) from range(1000) group by 1"],
  ]
}

function writeHadoopConfiguration(folder: string): void {
  const settings = {
    "fs.defaultFS": "hdfs://127.0.0.1:29000",
    "dfs.namenode.http-address": "127.0.0.1:29870",
    "dfs.namenode.name.dir": `file://${folder}/name`,
    "dfs.datanode.data.dir": `file://${folder}/data`,
    "dfs.datanode.address": "127.0.0.4:29866",
    "dfs.datanode.http.address": "127.0.0.4:29864",
    "dfs.datanode.ipc.address": "127.0.0.4:29867",
    "dfs.datanode.hostname": "127.0.0.4",
  }
  const properties = Object.entries(settings)
    .map(([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`)
    .join("\n")
  for (const file of ["core-site.xml", "hdfs-site.xml"]) {
    writeFileSync(join(folder, "conf", file), `<configuration>${properties}</configuration>`)
  }
}

const answering = (url: string) => containing(url, "")

async function containing(url: string, text: string): Promise<void> {
  const deadline = Date.now() + 90_000
  for (;;) {
    const page = await fetch(url).then(
      (answer) => (answer.ok ? answer.text() : null),
      () => null,
    )
    if (page?.includes(text)) return
    if (Date.now() > deadline) throw new Error(`${url} does not answer with ${JSON.stringify(text)}`)
    await Bun.sleep(200)
  }
}
