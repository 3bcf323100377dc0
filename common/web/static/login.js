// Shows that the password was wrong.

const byId = (id) => document.getElementById(id);

if (location.search === "?wrong") {
  byId("wrong").hidden = false;
  byId("password").setAttribute("aria-invalid", "true");
  byId("password").setAttribute("aria-describedby", "wrong where");
}
