CREATE TABLE attachments (
    id INT PRIMARY KEY AUTO_INCREMENT,
    team_id INT NOT NULL,
    user_id INT NOT NULL,
    name VARCHAR(200) NOT NULL,
    bytes INT NOT NULL,
    sha256 CHAR(64) NOT NULL,
    created_at DATETIME NOT NULL,
    KEY by_team (team_id, id)
);
