// Has this server belong to its replica set, and the set have its users. Run until it succeeds, and at
// every start, so each step looks first whether it is done. A changed PASSWORD is set at the next start.

const [, set, number] = process.env.HOSTNAME.match(/^(.*)-(\d+)$/);
const service = set.replace(/-mongo$/, "");
const host = (member) => `${set}-${member}.${set}-srv:27017`;
const secret = (key) => require("fs").readFileSync(`/secret/${key}`, "utf8").trim();

/** What the call gives; undefined where it fails. */
function tried(call) {
  try {
    // Named first: mongosh waits for it here, where a failure is caught.
    const given = call();
    return given;
  } catch (error) {
    print(`${error}`);
    return undefined;
  }
}

/** The set's admin database as root, by those of its members; undefined where none leads to it. */
function asRoot(members) {
  const uri = `mongodb://root:${secret("ROOT_PASSWORD")}@${members.map(host)}/admin`;
  return tried(() => new Mongo(`${uri}?replicaSet=rs0&serverSelectionTimeoutMS=5000`).getDB("admin"));
}

const here = new Mongo("mongodb://127.0.0.1:27017/?directConnection=true").getDB("admin");
const standing = here.hello();

if (standing.isWritablePrimary && !tried(() => here.auth("root", secret("ROOT_PASSWORD")))) {
  // As long as there is no user, whoever is on the same machine may make the first.
  here.createUser({ user: "root", pwd: secret("ROOT_PASSWORD"), roles: ["root"] });
}

if (standing.isWritablePrimary || standing.secondary) {
  const admin = asRoot([number]);
  const users = [
    [admin.getSiblingDB(service), service, secret("PASSWORD"), ["readWrite"]],
    [admin, "backup", secret("BACKUP_PASSWORD"), ["backup", "restore"]],
  ];
  for (const [db, user, pwd, roles] of users) {
    if (db.getUser(user)) db.updateUser(user, { pwd, roles });
    else db.createUser({ user, pwd, roles });
  }
  quit(0);
}

if (!standing.setName) {
  // Whoever else there is knows the set. Only the first server, alone, may make a new one.
  const peers = asRoot([0, 1, 2].filter((member) => `${member}` !== number));
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
    printjson(here.adminCommand({ replSetInitiate: { _id: "rs0", members } }));
  }
}
quit(1); // look again
