// Shows that the password was wrong, and the page in German where the browser asks for it.

const GERMAN = {
  name: "Passwort",
  enter: "Anmelden",
  wrong: "Falsches Passwort. Nach vielen Versuchen bitte eine Minute warten.",
  where: "Das Passwort steht in der Datei {file} dieses Rechners unter {setting}.",
};
const byId = (id) => document.getElementById(id);
const language = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => ["de", "en"].includes(tag));

if (language === "de") {
  document.documentElement.lang = "de";
  for (const id of ["name", "enter", "wrong"]) byId(id).textContent = GERMAN[id];
  const [setting, file] = byId("where").querySelectorAll("code");
  const parts = GERMAN.where.split(/\{\w+\}/);
  byId("where").replaceChildren(parts[0], file, parts[1], setting, parts[2]);
}
if (location.search === "?wrong") {
  byId("wrong").hidden = false;
  byId("password").setAttribute("aria-invalid", "true");
  byId("password").setAttribute("aria-describedby", "wrong where");
}
