// Has no test of its name.
