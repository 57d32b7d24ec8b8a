/^TVqQAAMAAAAEAAAA/ REJECT executable
/^hello$/ WARN $$ greeted
/(User|Admin)@/ IGNORE
