import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { IngressRule } from "../../../lib/base/instance.ts"
import {
  hostVariables,
  masterOf,
  missingFrom,
  planCluster,
} from "../../../lib/decisions/clusters/cluster_plan.ts"
import {
  groupPrefix,
  groupsOfNode,
  memberRule,
  movedClientRules,
  planGroups,
} from "../../../lib/decisions/clusters/group_plan.ts"
import { requireClusterName } from "../../../lib/decisions/clusters/names.ts"
import {
  isMaster,
  masterRoles,
  pagesOf,
  parseRoles,
  type Role,
  roleFacts,
  workerRolesFor,
} from "../../../lib/decisions/clusters/roles.ts"
import { clientRuleDescription, ruleChanges } from "../../../lib/decisions/ssh/client_rules.ts"

describe("a cluster's plan", () => {
  test("N is one master and N workers", () => {
    expect(planCluster(["10"]).groups).toEqual([
      { count: 1, roles: ["nn", "snn", "rm", "jhs", "sm", "shs"] },
      { count: 10, roles: ["dn", "nm", "sw"] },
    ])
    expect(planCluster(["0"]).groups).toHaveLength(1)
  })

  test("the old roles mean their successors, with a notice", () => {
    const { groups, notices } = planCluster(["10", "dn,tt", "1", "nn,snn,jt"])
    expect(groups).toEqual([
      { count: 1, roles: ["nn", "snn", "rm", "jhs"] },
      { count: 10, roles: ["dn", "nm"] },
    ])
    expect(notices).toEqual([
      "role tt no longer exists, nm takes its place",
      "role jt no longer exists, rm,jhs takes its place",
    ])
  })

  test.each([
    [["-1"], "workers: is"],
    [["many"], "whole number"],
    [["1", "nn", "2"], "in pairs"],
    [["1", "nn,xx"], '"xx" is not one of'],
    [["2", "nn"], "nn is asked for on 2 nodes, wanted one"],
    [["1", "nn", "1", "nn,dn"], "nn is asked for on 2 nodes"],
    [["99999"], "from 0 to 500"],
  ])("%j is refused", (words, message) => {
    expect(() => planCluster(words)).toThrow(message)
  })

  test("what is missing is counted by the nodes' roles", () => {
    const plan = planCluster(["3"])
    expect(missingFrom(plan, [{ roles: masterRoles }, { roles: ["sw", "nm", "dn"] }])).toEqual([
      { count: 2, roles: ["dn", "nm", "sw"] },
    ])
    expect(missingFrom({ groups: [], notices: [] }, [])).toEqual([])
  })

  test("others are told where each hub is, by the old name too", () => {
    const nodes = [
      { roles: parseRoles("rm").roles, privateIp: "10.0.0.2" },
      { roles: parseRoles("nn,sm").roles, privateIp: "10.0.0.1" },
    ]
    expect(hostVariables(nodes)).toEqual({
      NN_HOST: "10.0.0.1",
      SM_HOST: "10.0.0.1",
      RM_HOST: "10.0.0.2",
      JT_HOST: "10.0.0.2",
    })
    expect(masterOf(nodes)?.privateIp).toBe("10.0.0.1")
  })

  test.each([
    "a;rm -rf /",
    "$(id)",
    "../x",
    "-x",
    ".",
    "..",
    "",
    "a b",
    "a\nb",
    "ä",
    "x".repeat(61),
    "sg-1",
    "a*",
  ])("the name %j is no cluster's", (name) => {
    expect(() => requireClusterName(name)).toThrow("cluster: name")
  })
})

test("workers that are added have the roles that the cluster's masters serve", () => {
  expect(workerRolesFor([{ roles: ["sm", "shs"] }, { roles: ["sw"] }])).toEqual(["sw"])
  expect(workerRolesFor([{ roles: ["nn"] }, { roles: ["rm"] }])).toEqual(["dn", "nm"])
  expect(workerRolesFor([])).toEqual(["dn", "nm", "sw"])
})

describe("security groups", () => {
  test("ssh comes in from the client's networks only, pages only where asked", () => {
    const ports = (openUi: boolean) =>
      planGroups("c", [masterRoles], ["1.2.3.4/32"], openUi).flatMap(({ name, client }) =>
        client.map((rule) => `${name} ${rule.fromPort} ${rule.cidr}`),
      )
    expect(ports(false)).toEqual(["c 22 1.2.3.4/32"])
    expect(ports(true)).toContain("c-rm 19888 1.2.3.4/32")
  })

  test("a node is never in more groups than an interface takes by default", () => {
    for (const roles of [masterRoles, parseRoles("nn,snn,rm,jhs,sm,shs,dn,nm,sw,zk").roles]) {
      expect(groupsOfNode("c", roles).length).toBeLessThanOrEqual(5)
    }
    expect(groupsOfNode("c", masterRoles)).toEqual(["c", "c-nn", "c-snn", "c-rm", "c-sm"])
  })

  test("with pages open, each page of each node is open by one of its groups", () => {
    const roleSet = fc.subarray(Object.keys(roleFacts) as Role[], { minLength: 1 })
    fc.assert(
      fc.property(fc.array(roleSet, { minLength: 1, maxLength: 4 }), fc.nat(5), (sets, further) => {
        const groups = planGroups("c", sets, ["1.2.3.4/32"], true, further)
        for (const roles of sets) {
          const names = groupsOfNode("c", roles, further)
          expect(names.length + further).toBeLessThanOrEqual(Math.max(5, 1 + further))
          const open = groups.filter(({ name }) => names.includes(name)).flatMap(({ client }) => client)
          for (const { port } of pagesOf(roles).filter(({ onLoopback }) => !onLoopback))
            expect(open.map(({ fromPort }) => fromPort)).toContain(port)
        }
      }),
    )
  })

  test("pages that are open follow the client's address as ssh does", () => {
    const [own, pages] = planGroups("c", [["sm"]], ["1.1.1.1/32"], true)
    const ports = (group: { name: string; client: IngressRule[] } | undefined) =>
      movedClientRules("c", { name: group?.name ?? "", ingress: group?.client ?? [] }, ["2.2.2.2/32"]).map(
        ({ fromPort, cidr }) => `${fromPort} ${cidr}`,
      )
    expect(ports(own)).toEqual(["22 2.2.2.2/32"])
    expect(ports(pages)).toEqual(["8080 2.2.2.2/32", "4040 2.2.2.2/32", "18080 2.2.2.2/32"])
    expect(ports({ name: "c-rm", client: [] })).toEqual([])
  })

  test("only our own rules follow the client's address", () => {
    const rule = (cidr: string, description: string) => ({
      ...memberRule(""),
      groupId: null,
      cidr,
      description,
    })
    const old = rule("1.1.1.1/32", clientRuleDescription)
    const foreign = rule("9.9.9.9/32", "by hand")
    const wanted = rule("2.2.2.2/32", clientRuleDescription)
    expect(ruleChanges([old, foreign], [wanted])).toEqual({ allow: [wanted], revoke: [old] })
    expect(ruleChanges([wanted, foreign], [wanted])).toEqual({ allow: [], revoke: [] })
  })
})

test("a notebook's node is a master without a hub: logged in to where there is no other, and never a worker", () => {
  const { groups } = planCluster(["2", "sw", "1", "jupyter", "1", "sm"])
  expect(groups.map(({ roles }) => roles.join())).toEqual(["sm", "sw", "jupyter"])
  expect(masterOf(groups)?.roles).toEqual(["sm"])
  expect(masterOf(planCluster(["1", "jupyter"]).groups)?.roles).toEqual(["jupyter"])
  expect(groups.filter(({ roles }) => isMaster(roles)).map(({ roles }) => roles.join())).toEqual([
    "sm",
    "jupyter",
  ])
})

test.each([
  ["cs61c-ab", "words", [], "cs61c-ab-words"],
  ["cs61c-ab", "cs61c-ab-testing", [], "cs61c-ab-testing"],
  ["cs61c-ab", "cs61c-abc", [], "cs61c-ab-cs61c-abc"],
  ["cs61c-ab", "words", ["words", "words-sm"], "words"],
  ["cs61c-ab", "words", ["cs61c-ab-words"], "cs61c-ab-words"],
])("the groups of %s's cluster %s, tagged %j, begin with %s", (login, cluster, tagged, prefix) => {
  expect(groupPrefix(login, cluster, tagged)).toBe(prefix)
})
