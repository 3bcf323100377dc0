// Tells that the password was wrong.
"use strict";
document.getElementById("wrong").hidden = location.search !== "?wrong";
