const heading = document.createElement("h1");
heading.textContent = "Relais";
document.body.append(heading);
