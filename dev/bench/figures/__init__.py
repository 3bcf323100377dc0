"""How figures are taken, compared, drawn and written down."""
