// Shows that the password was wrong.
document.getElementById("wrong").hidden = location.search !== "?wrong";
