/** JupyterLab on an instance that belongs to no cluster: the same piece of the boot script as a cluster's `jupyter` role. */
import begin from "../clusters/boot/jupyter.sh" with { type: "text" }
import end from "../clusters/boot/jupyter_main.sh" with { type: "text" }
import python from "../clusters/boot/python.sh" with { type: "text" }
import shared from "../clusters/boot/shared.sh" with { type: "text" }

/** Where JupyterLab listens on its machine, and where its token lies: readable by the login user alone, to be fetched through ssh. */
export const instanceJupyter = { port: 8888, tokenFile: "/var/lib/ec2-wrappers/jupyter_token" }

/** A script for user data. It installs JupyterLab, which takes a minute or two, unless the image has it there already. */
export const jupyterScript: string = [begin, shared, python, end].join("")
