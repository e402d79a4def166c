// Has this server belong to its replica set, and the set have its users. Run until it succeeds, and at
// every start, so each step looks first whether it is done. A changed PASSWORD is set at the next start.

const [, set, number] = process.env.HOSTNAME.match(/^(.*)-(\d+)$/);
const service = set.replace(/-mongo$/, "");
const host = (member) => `${set}-${member}.${set}-srv:27017`;
const secret = (key) => require("fs").readFileSync(`/secret/${key}`, "utf8").trim();

/** What the call gives; undefined where it fails. */
function tried(call) {
  try {
    return call();
  } catch (error) {
    print(`${error}`);
    return undefined;
  }
}

const here = new Mongo("mongodb://127.0.0.1:27017/?directConnection=true").getDB("admin");
const standing = here.hello();

if (standing.isWritablePrimary) {
  // As long as there is no user, whoever is on the same machine may make the first.
  const root = () => here.auth("root", secret("ROOT_PASSWORD"));
  if (!tried(root)) {
    here.createUser({ user: "root", pwd: secret("ROOT_PASSWORD"), roles: ["root"] });
    root();
  }
  const users = [
    [here.getSiblingDB(service), service, secret("PASSWORD"), ["readWrite"]],
    [here, "backup", secret("BACKUP_PASSWORD"), ["backup", "restore"]],
  ];
  for (const [db, user, pwd, roles] of users) {
    if (db.getUser(user)) db.updateUser(user, { pwd, roles });
    else db.createUser({ user, pwd, roles });
  }
  quit(0);
}
if (standing.secondary) quit(0);

if (!standing.setName) {
  // Whoever else there is knows the set, or is it. Only the first, alone, may make a new one.
  const others = [0, 1, 2].filter((member) => `${member}` !== number).map(host);
  const root = `root:${secret("ROOT_PASSWORD")}`;
  const uri = `mongodb://${root}@${others}/admin?replicaSet=rs0&serverSelectionTimeoutMS=5000`;
  const peers = tried(() => new Mongo(uri).getDB("admin"));
  if (peers) {
    const config = peers.adminCommand({ replSetGetConfig: 1 }).config;
    const me = host(number);
    if (!config.members.some((member) => member.host === me)) {
      const _id = Math.max(...config.members.map((member) => member._id)) + 1;
      config.members.push({ _id, host: me });
      config.version += 1;
      printjson(peers.adminCommand({ replSetReconfig: config }));
    }
  } else if (number === "0") {
    const members = [{ _id: 0, host: host(0) }];
    printjson(here.adminCommand({ replSetInitiate: { _id: "rs0", members } }));
  }
}
quit(1); // look again
