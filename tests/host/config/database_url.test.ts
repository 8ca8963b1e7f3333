import { describe, expect, test } from "bun:test"
import { databaseSettings } from "../../../lib/host/config/database_url.ts"

const parametersOf = (url: string, files = {}) => {
  const read = databaseSettings(url, files)
  return "settings" in read ? Object.fromEntries(read.settings.parameters) : read.reason
}

describe("[database] url", () => {
  test("names a socket, which needs no certificates", () => {
    expect(parametersOf("host=/var/run/postgresql dbname=cs61c user=cs61c")).toEqual({
      host: "/var/run/postgresql",
      dbname: "cs61c",
      user: "cs61c",
      sslmode: "disable",
    })
  })

  test("names servers, whose certificates are verified", () => {
    const url = "host=db1,db2 dbname='cs 61\\'c' user = cs61c target_session_attrs=read-write"
    expect(parametersOf(url, { sslrootcert: "/ca.crt", sslkey: undefined })).toEqual({
      host: "db1,db2",
      dbname: "cs 61'c",
      user: "cs61c",
      target_session_attrs: "read-write",
      sslmode: "verify-full",
      sslrootcert: "/ca.crt",
    })
  })

  test.each([
    ["postgresql://cs61c@db1/cs61c", "is an address, wanted keyword=value pairs"],
    ["host=/s dbname=x user=y password=z", "has a password, which everybody could read here"],
    ["host=/s dbname=x user=y passfile=/p", "has passfile, which is a key of its own"],
    ["host=/s dbname=x user=y service=z", 'has "service"; it may name host'],
    ["host=/s dbname=x user=y options=-cfsync=off", 'has "options"'],
    ["host=/s dbname=x", "lacks user="],
    ["dbname=x user=y", "lacks host="],
    ["host=/s dbname=x user=y user=z", "is not a list of keyword=value pairs"],
    ["host=/s dbname=x user='y", "is not a list of keyword=value pairs"],
    ["host", "is not a list of keyword=value pairs"],
    ["host=db1 dbname=x user=y sslmode=require", "has sslmode=require, wanted verify-full"],
    ["host=/s,db1 dbname=x user=y sslmode=disable", "has sslmode=disable, wanted verify-full"],
    ["host=db1 dbname=x user=y", "names a host, so [database] needs sslrootcert"],
  ])("%p is refused: it %s", (url, reason) => {
    expect(parametersOf(url)).toContain(reason)
  })

  test("a password is in no error", () => {
    expect(parametersOf("host=/s dbname=x user=y password=hunter2")).not.toContain("hunter2")
  })
})
