"""Documents that the law asks of the court and that this home can fill in: the assessment of the impact on personal
information (个人信息保护法 arts. 55–56), and the text for the court's page on privacy (arts. 17, 35)."""
