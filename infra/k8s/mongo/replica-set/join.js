// Initiate the replica set or join it, then create or update its users. The startup probe runs this script
// until it succeeds, at every start, so every step may be repeated. A changed PASSWORD takes effect at the
// next start.

const [, set, number] = process.env.HOSTNAME.match(/^(.*)-(\d+)$/);
const service = set.replace(/-mongo$/, "");
const host = (member) => `${set}-${member}.${set}-srv:27017`;
const secret = (key) => require("fs").readFileSync(`/secret/${key}`, "utf8").trim();

/** Return the result of a call, or undefined if it fails. */
function attempt(call) {
  try {
    // mongosh awaits the call at this assignment, where the exception is caught.
    const result = call();
    return result;
  } catch (error) {
    print(`${error}`);
    return undefined;
  }
}

/** Return the admin database as root, or undefined if none of the members can be reached. */
function connectAsRoot(members) {
  const uri = `mongodb://root:${secret("ROOT_PASSWORD")}@${members.map(host)}/admin`;
  return attempt(() => new Mongo(`${uri}?replicaSet=rs0&serverSelectionTimeoutMS=5000`).getDB("admin"));
}

const local = new Mongo("mongodb://127.0.0.1:27017/?directConnection=true").getDB("admin");
const status = local.hello();

if (status.isWritablePrimary && !attempt(() => local.auth("root", secret("ROOT_PASSWORD")))) {
  // As long as there is no user, MongoDB lets a client on the same machine create the first one.
  local.createUser({ user: "root", pwd: secret("ROOT_PASSWORD"), roles: ["root"] });
}

if (status.isWritablePrimary || status.secondary) {
  const admin = connectAsRoot([number]);
  const users = [
    [admin.getSiblingDB(service), service, secret("PASSWORD"), ["readWrite"]],
    [admin.getSiblingDB(service), "audit", secret("AUDIT_PASSWORD"), ["read"]],
    [admin, "backup", secret("BACKUP_PASSWORD"), ["backup"]],
  ];
  for (const [db, user, pwd, roles] of users) {
    if (db.getUser(user)) db.updateUser(user, { pwd, roles });
    else db.createUser({ user, pwd, roles });
  }
  quit(0);
}

if (!status.setName) {
  // An existing member knows the set. Only the first server, if it reaches no other, initiates a new set.
  const peers = connectAsRoot([0, 1, 2].filter((member) => `${member}` !== number));
  if (peers) {
    const config = peers.adminCommand({ replSetGetConfig: 1 }).config;
    if (!config.members.some((member) => member.host === host(number))) {
      const _id = Math.max(...config.members.map((member) => member._id)) + 1;
      config.members.push({ _id, host: host(number) });
      config.version += 1;
      printjson(peers.adminCommand({ replSetReconfig: config }));
    }
  } else if (number === "0") {
    const members = [{ _id: 0, host: host(0) }];
    printjson(local.adminCommand({ replSetInitiate: { _id: "rs0", members } }));
  }
}
quit(1); // Not a member yet: the probe runs the script again.
