// Make the replica set and the relay's own user. Run at every start; changes nothing the second time.
const { ROOT_PASSWORD, RELAIS_PASSWORD } = process.env;
const address = `mongodb://root:${encodeURIComponent(ROOT_PASSWORD)}@mongo1/admin?directConnection=true`;
const admin = connect(address);

try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  const members = ["mongo1", "mongo2", "mongo3"].map((name, _id) => ({ _id, host: `${name}:27017` }));
  admin.adminCommand({ replSetInitiate: { _id: "relais", members } });
}

const set = connect(`mongodb://root:${encodeURIComponent(ROOT_PASSWORD)}@mongo1,mongo2,mongo3/admin?replicaSet=relais&serverSelectionTimeoutMS=60000`);
const relais = set.getSiblingDB("relais");
if (relais.getUser("relais") === null) {
  // dbOwner of this one database: numbered migrations set validators and indexes.
  relais.createUser({ user: "relais", pwd: RELAIS_PASSWORD, roles: [{ role: "dbOwner", db: "relais" }] });
}
