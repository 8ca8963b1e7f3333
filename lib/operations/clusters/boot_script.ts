/** The boot script in this tool, in the order of its parts. */
import common from "./boot/common.sh" with { type: "text" }
import configure from "./boot/configure.sh" with { type: "text" }
import daemons from "./boot/daemons.sh" with { type: "text" }
import disks from "./boot/disks.sh" with { type: "text" }
import install from "./boot/install.sh" with { type: "text" }
import lease from "./boot/lease.sh" with { type: "text" }
import main from "./boot/main.sh" with { type: "text" }
import node from "./boot/node.sh" with { type: "text" }
import python from "./boot/python.sh" with { type: "text" }
import shared from "./boot/shared.sh" with { type: "text" }

export const bootScript: string = [
  common,
  shared,
  install,
  python,
  configure,
  disks,
  daemons,
  lease,
  node,
  main,
].join("")
